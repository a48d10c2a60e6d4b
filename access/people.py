"""Local accounts: people who sign in with a name and a password."""

import asyncio
import re
import secrets
from typing import Annotated, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BaseModel, ConfigDict, Field

from errors import InvalidInput

NAME: Final = r"^[a-z0-9][a-z0-9_.@-]{0,63}$"
SHORTEST, LONGEST = 12, 1024  # characters of a password
AT_A_TIME = 2  # passwords that are hashed: each takes 64 MiB and a processor for some 50 ms


class Person(BaseModel):
    """What is kept of a person. Sessions carry the `stamp`, which changes with the password."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(pattern=NAME)]
    password: str  # its argon2id hash
    stamp: str

    @property
    def principal(self) -> str:
        return f"person:{self.name}"


class Passwords:
    """Hashes and checks passwords in threads, a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._at_a_time = asyncio.Semaphore(AT_A_TIME)
        self._nobodys: str | None = None

    async def person(self, name: str, password: str) -> Person:
        """A person with this password. InvalidInput when it is too short or too long, or the name no name."""
        if not re.fullmatch(NAME, name):
            raise InvalidInput(
                "A name has up to 64 of a-z, 0-9 and _.@-, and begins with a letter or digit.",
                detail=[{"field": "name", "reason": "not a name"}],
            )
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidInput(
                f"A password has {SHORTEST} to {LONGEST} characters.",
                detail=[{"field": "password", "reason": f"not of {SHORTEST} to {LONGEST} characters"}],
            )
        return Person(name=name, password=await self._hash(password), stamp=secrets.token_hex(8))

    async def is_right(self, person: Person | None, password: str) -> bool:
        """Whether it is the person's password; it takes as long where there is no such person."""
        if self._nobodys is None:
            self._nobodys = await self._hash(secrets.token_hex())
        kept = self._nobodys if person is None else person.password
        async with self._at_a_time:
            return await asyncio.to_thread(self._verify, kept, password[:LONGEST]) and person is not None

    async def _hash(self, password: str) -> str:
        async with self._at_a_time:
            return await asyncio.to_thread(self._hasher.hash, password)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
