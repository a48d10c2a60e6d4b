"""Open sockets are decided anew, each by itself."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from access.admission import Admission, Admissions
from access.audit import Trail, Untold
from access.gate import Caller, Credentials
from access.principal import Principal
from errors import Unauthenticated, Unavailable
from tests.conftest import PATIENCE


@dataclass
class Gate:
    """Lets in everybody but those for whom it has an error, or whom it keeps waiting."""

    errors: dict[str, Exception] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    trail: Trail = field(default_factory=Untold)
    has_changed: bool = False

    async def caller(self, credentials: Credentials) -> Caller:
        name = credentials.bearer or ""
        while name in self.slow:  # noqa: ASYNC110 (it is told nobody)
            await asyncio.sleep(0.01)
        if name in self.errors:
            raise self.errors[name]
        return Caller(Principal(id=name, name=name))

    async def changed(self) -> bool:
        told, self.has_changed = self.has_changed, False
        return told


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def admissions(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Admissions]:
    monkeypatch.setattr("access.admission.EVERY", 0.01)
    found = Admissions(gate)
    running = asyncio.create_task(found.run())
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def admitted(gate: Gate, name: str) -> Admission:
    admission = Admission(gate, Credentials(bearer=name), lambda principal: None)
    await admission.begin()
    return admission


@pytest.mark.parametrize("trouble", ["cannot be told", "takes long", "is a bug"])
async def test_one_that_cannot_be_decided_keeps_no_other_open(
    gate: Gate, admissions: Admissions, trouble: str
) -> None:
    stuck, revoked, fine = [await admitted(gate, name) for name in ("stuck", "revoked", "fine")]
    with admissions.keeping(stuck), admissions.keeping(revoked), admissions.keeping(fine):
        gate.errors["revoked"] = Unauthenticated("It was revoked.")
        match trouble:
            case "cannot be told":
                gate.errors["stuck"] = Unavailable("The issuer is away.")
            case "takes long":
                gate.slow.add("stuck")
            case _:
                gate.errors["stuck"] = ValueError("a bug")
        gate.has_changed = True
        async with asyncio.timeout(PATIENCE):
            await revoked.ended.wait()
        assert not fine.ended.is_set()
        # What could not be told is asked again; a bug lets nobody stay.
        gate.slow.clear()
        gate.errors["stuck"] = Unauthenticated("It was revoked too.")
        async with asyncio.timeout(PATIENCE):
            await stuck.ended.wait()


async def test_a_change_that_leaves_what_is_allowed_ends_nothing(gate: Gate, admissions: Admissions) -> None:
    asked = 0

    def decide(principal: Principal) -> str:
        nonlocal asked
        asked += 1
        return "the same"

    admission = Admission(gate, Credentials(bearer="ann"), decide)
    await admission.begin()
    with admissions.keeping(admission):
        gate.has_changed = True
        async with asyncio.timeout(PATIENCE):
            while asked < 2:  # noqa: ASYNC110 (it is told nobody)
                await asyncio.sleep(0.01)
        assert not admission.ended.is_set()
