"""Changing who may do what: keys, people and grants. The audit trail is told before a change is made."""

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from access.audit import Trail
from access.keys import Key, make_key
from access.people import Passwords, Person
from access.principal import EVERY, Grant
from access.secret import Secret
from access.store import Store
from errors import InvalidInput, NotFound

FIRST_KEY: Final = "first-key"  # the file in DATA_DIR
FIRST_KEY_LASTS: Final = timedelta(hours=24)


class Manager:
    """Changes in the name of `who`. `now` gives the time."""

    def __init__(
        self,
        store: Store,
        secret: Secret,
        trail: Trail,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store = store
        self._secret = secret
        self._trail = trail
        self._passwords = Passwords()
        self._now = now

    async def create_key(
        self, who: str, name: str, grants: Sequence[Grant], lasts: timedelta | None = None
    ) -> tuple[str, Key]:
        """A new key with these grants, which is told this once, and what is kept of it."""
        now = self._now()
        text, key = make_key(
            name, self._secret, created_at=now, expires_at=None if lasts is None else now + lasts
        )
        await self._trail.record("key_created", who, principal=key.principal, grants=_told(grants))
        await self.store.add_key(key, grants)
        return text, key

    async def revoke_key(self, who: str, id: str) -> None:
        """NotFound when there is no key of that id."""
        key = await self.store.key(id.removeprefix("key:"))
        if key is None:
            raise NotFound("There is no key of that id.")
        await self._trail.record("key_revoked", who, principal=key.principal)
        await self.store.remove_key(key)

    async def add_person(self, who: str, name: str, password: str, grants: Sequence[Grant] = ()) -> Person:
        """InvalidInput when there is one of that name, or the password is too short."""
        if await self.store.person(name) is not None:
            raise InvalidInput(
                "There is a person of that name.", detail=[{"field": "name", "reason": "taken"}]
            )
        person = await self._passwords.person(name, password)
        await self._trail.record("person_added", who, principal=person.principal, grants=_told(grants))
        await self.store.put_person(person, grants)
        return person

    async def set_password(self, who: str, name: str, password: str) -> None:
        """The person's sessions end. NotFound when there is none of that name."""
        await self._person(name)
        person = await self._passwords.person(name, password)
        await self._trail.record("password_changed", who, principal=person.principal)
        await self.store.put_person(person)

    async def remove_person(self, who: str, name: str) -> None:
        """The person's sessions end. NotFound when there is none of that name."""
        person = await self._person(name)
        await self._trail.record("person_removed", who, principal=person.principal)
        await self.store.remove_person(person)

    async def add_grant(self, who: str, principal: str, grant: Grant) -> None:
        """NotFound when there is no such key or person; who has a token need not be known."""
        await self._check(principal)
        await self._trail.record("grant_added", who, principal=principal, grants=_told([grant]))
        await self.store.add_grant(principal, grant)

    async def remove_grant(self, who: str, principal: str, grant: Grant) -> None:
        """NotFound when the principal has no such grant."""
        if grant not in await self.store.grants(principal):
            raise NotFound("There is no such grant.")
        await self._trail.record("grant_removed", who, principal=principal, grants=_told([grant]))
        await self.store.remove_grant(principal, grant)

    async def first_key(self, folder: Path) -> Path | None:
        """Where the key stands with which everything begins; None: there is somebody already.

        It is an admin's, is made once, and lasts a day.
        """
        if not await self.store.is_empty():
            return None
        text, _ = await self.create_key(
            "launcher", "first", [Grant(role="admin", user_id=EVERY)], FIRST_KEY_LASTS
        )
        file = folder / FIRST_KEY
        file.unlink(missing_ok=True)  # of an earlier Redis
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(f"{text}\n")
        return file

    async def _person(self, name: str) -> Person:
        person = await self.store.person(name.removeprefix("person:"))
        if person is None:
            raise NotFound("There is no person of that name.")
        return person

    async def _check(self, principal: str) -> None:
        kind, _, name = principal.partition(":")
        if kind == "key" and await self.store.key(name) is not None:
            return
        if kind == "person" and await self.store.person(name) is not None:
            return
        if kind == "token" and "|" in name:
            return
        raise NotFound("There is no such principal: key:ID, person:NAME, or token:ISSUER|SUBJECT.")


def _told(grants: Iterable[Grant]) -> str:
    """Grants in the form that the command line and the trail have: role, user, creator."""
    return "; ".join(told(grant) for grant in grants) or "none"


def told(grant: Grant) -> str:
    """A grant for people."""
    parts = [grant.role, grant.user_id, *([] if grant.creator_id is None else [grant.creator_id])]
    return " ".join([*parts, *(["with-text"] if grant.with_text else [])])
