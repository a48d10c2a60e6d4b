"""Who calls, and what was granted to them."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["agent", "chatter", "analyst", "owner", "admin"]
EVERY: Final = "*"  # in place of a user's id: every user
_ID = r"^[A-Za-z0-9_.:@-]{1,128}$"


class Grant(BaseModel):
    """A role on a user's accounts: those of one creator, or of all (`creator_id` null).

    `with_text` lets an analyst read message text; it says nothing in other roles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    user_id: Annotated[str, Field(pattern=rf"^\*$|{_ID}")]
    creator_id: Annotated[str, Field(pattern=_ID)] | None = None
    with_text: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.user_id == EVERY and self.creator_id is not None:
            raise ValueError("a grant on every user is on all creators: leave creator_id out")
        if self.role == "admin" and self.user_id != EVERY:
            raise ValueError('an admin is one of the whole installation: user_id is "*"')
        return self

    def is_on(self, user_id: str) -> bool:
        """Whether it is on an account of the user."""
        return self.user_id in (EVERY, user_id)

    def covers(self, user_id: str | None, creator_id: str | None) -> bool:
        """Whether it is on that account; None: on all users, on all creators of the user."""
        if user_id is None:
            return self.user_id == EVERY
        return self.is_on(user_id) and self.creator_id in (None, creator_id)


class Principal(BaseModel):
    """Who calls: a key (`key:ID`), a person (`person:NAME`), a token's subject (`token:ISSUER|SUBJECT`)."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str  # for people
    grants: tuple[Grant, ...] = ()


# Whoever calls a service that listens on its own machine alone, without authentication.
LOCAL: Final = Principal(
    id="local",
    name="this machine",
    grants=(Grant(role="owner", user_id=EVERY), Grant(role="admin", user_id=EVERY)),
)
