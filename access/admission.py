"""What has been let in and stays open: a socket is decided anew whenever who may do what changes."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from access.gate import Caller, Credentials, Gate
from access.principal import Principal
from errors import AnalyticsError, Forbidden, Unavailable

log = logging.getLogger(__name__)

EVERY = 0.4  # seconds between two looks
_OTHERWISE: Final = "What you may see or do here has changed; connect again."


class Admission:
    """One open socket: `decide` says what of it the caller is allowed, or raises.

    When that changes, or the caller is not known any more, `ended` is set and `error` says why.
    """

    def __init__(self, gate: Gate, credentials: Credentials, decide: Callable[[Principal], object]) -> None:
        self.ended = asyncio.Event()
        self.error: AnalyticsError = Forbidden(_OTHERWISE)
        self._gate = gate
        self._credentials = credentials
        self._decide = decide
        self._decided: object = None
        self._expires_at: float | None = None

    async def begin(self) -> Caller:
        """Let in who shows the credentials; raises what the gate and `decide` raise."""
        caller = await self._gate.caller(self._credentials)
        self._decided = self._decide(caller.principal)
        self._expires_at = caller.expires_at
        return caller

    def has_expired(self) -> bool:
        """Whether the time of what was shown is over."""
        return self._expires_at is not None and self._expires_at <= time.time()

    async def decide_anew(self) -> None:
        """End it where it would not be let in now as it was then. Unavailable when that cannot be told."""
        try:
            caller = await self._gate.caller(self._credentials)
            if self._decide(caller.principal) != self._decided:
                self.ended.set()
        except Unavailable:
            raise
        except AnalyticsError as error:
            self.error = error
            self.ended.set()


class Admissions:
    """All that is open in one process; `run` ends what is not allowed any more within a second."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._open: set[Admission] = set()
        self._due: set[Admission] = set()  # to be decided anew
        self._deciding: dict[Admission, asyncio.Task[None]] = {}  # one keeps no other waiting

    @contextmanager
    def keeping(self, admission: Admission) -> Iterator[None]:
        """Look after it meanwhile."""
        self._open.add(admission)
        try:
            yield
        finally:
            self._open.discard(admission)

    async def run(self) -> None:
        """Look after what is open, for as long as the process lives."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                if await self._gate.changed():
                    self._due |= self._open
            except Unavailable:
                continue  # while Redis is away nothing is sent on sockets, and nothing taken
            except Exception:
                # Nothing expected ends up here; without this a key that is revoked would keep its sockets.
                log.exception("All open sockets are decided anew.")
                self._due |= self._open
            self._due |= {each for each in self._open if each.has_expired()}
            self._due &= self._open
            for each in self._due - self._deciding.keys():
                self._due.discard(each)  # a change that comes meanwhile makes it due again
                self._deciding[each] = asyncio.create_task(self._decide_anew(each))

    async def _decide_anew(self, admission: Admission) -> None:
        """Decide one; it is due again when that cannot be told."""
        try:
            await admission.decide_anew()
        except Unavailable:
            self._due.add(admission)
        except Exception:
            # Nothing expected ends up here; a socket that nobody looks after would stay open.
            log.exception("A socket is closed because it cannot be decided anew.")
            admission.ended.set()
        finally:
            del self._deciding[admission]
