"""Who may do what: one table of roles, and the one function that decides. Pure."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final

from access.principal import Grant, Principal, Role
from errors import AccountNeeded, Forbidden, NotFound


class Action(Enum):
    """What a caller asks to do; the value is how it is told."""

    INGEST = "write for"
    READ_CHATS = "read the chats of"
    READ_TEXT = "read messages of"
    READ_NAMES = "read names and personal data unmasked of"
    READ_NUMBERS = "read figures of"
    TELL_PAGES = "send figures to the pages of"
    MANAGE_HELD = "look after the held input of"
    SET_SHIFTS = "set the shifts of"
    CORRECT = "correct what was understood of"
    EXPORT = "export"
    ERASE = "erase"
    MANAGE_ACCESS = "manage keys, people and grants of"
    SEE_AUDIT = "read the audit trail of"
    OPERATE = "look after the operation of"


_READING: Final = frozenset({Action.READ_CHATS, Action.READ_TEXT, Action.READ_NUMBERS})
ALLOWED: Final[Mapping[Role, frozenset[Action]]] = {
    "agent": frozenset({Action.INGEST}),
    "chatter": _READING | {Action.READ_NAMES, Action.TELL_PAGES, Action.CORRECT},
    "analyst": frozenset({Action.READ_NUMBERS}),
    "owner": _READING
    | {
        *(Action.READ_NAMES, Action.INGEST, Action.TELL_PAGES, Action.MANAGE_HELD, Action.SET_SHIFTS),
        *(Action.EXPORT, Action.ERASE, Action.CORRECT),
    },
    "admin": frozenset({Action.MANAGE_ACCESS, Action.SEE_AUDIT, Action.OPERATE}),
}
# Of the installation: it has no user.
OF_THE_INSTALLATION: Final = ALLOWED["admin"]
# Held input is listed and replayed by user: it is not told apart by creator.
_OF_WHOLE_USERS: Final = frozenset({Action.MANAGE_HELD})
_NOT_THERE: Final = "There is no such user or creator, or you have no access to it."


def actions(grant: Grant) -> frozenset[Action]:
    """What the grant allows on its accounts."""
    with_text = grant.role == "analyst" and grant.with_text
    return ALLOWED[grant.role] | (_READING | {Action.CORRECT} if with_text else frozenset())


def decide(
    principal: Principal, action: Action, user_id: str | None = None, creator_id: str | None = None
) -> None:
    """Return when it is allowed on the account; None: on every user, on all creators of the user.

    NotFound where the principal has no grant on that user or creator: that it exists is a secret. Forbidden
    where it has one that does not allow this. AccountNeeded where only a part of what was asked for is
    allowed; it says which.
    """
    if action in OF_THE_INSTALLATION:
        if not any(action in actions(grant) for grant in principal.grants):
            raise Forbidden(f"You may not {action.value} this installation: it takes the role admin.")
        return
    allowing = [grant for grant in principal.grants if action in actions(grant)]
    if any(grant.covers(user_id, creator_id) for grant in allowing):
        return
    if user_id is None:
        raise _part(
            action,
            "user_id",
            (
                grant.user_id
                for grant in allowing
                if creator_id is None or grant.covers(grant.user_id, creator_id)
            ),
        )
    accounts = [grant for grant in principal.grants if grant.role != "admin" and grant.is_on(user_id)]
    if not accounts:
        raise NotFound(_NOT_THERE)
    if creator_id is not None:
        if any(grant.covers(user_id, creator_id) for grant in accounts):
            raise Forbidden(f"Your role does not let you {action.value} this account.")
        raise NotFound(_NOT_THERE)
    if action in _OF_WHOLE_USERS:
        raise Forbidden(f"It takes a role on all creators of the user to {action.value} it.")
    raise _part(action, "creator_id", (grant.creator_id for grant in allowing if grant.is_on(user_id)))


def allows(
    principal: Principal, action: Action, user_id: str | None = None, creator_id: str | None = None
) -> bool:
    """Whether `decide` returns."""
    try:
        decide(principal, action, user_id, creator_id)
    except (NotFound, Forbidden, AccountNeeded):
        return False
    return True


def masks(
    principal: Principal, asked: bool | None, user_id: str | None = None, creator_id: str | None = None
) -> bool:
    """Whether what the principal reads of the account's chats is shown under pseudonyms.

    It is to everybody who asks for it, and always to who may not read names. Forbidden where such a principal
    asks for the names (`asked` False).
    """
    if allows(principal, Action.READ_NAMES, user_id, creator_id):
        return bool(asked)
    if asked is False:
        raise Forbidden("Your role reads chats under pseudonyms only: leave mask out.")
    return True


def visible(principal: Principal, users: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Those of the users with their creators of which the principal may read figures."""
    seen = {
        user: [creator for creator in creators if allows(principal, Action.READ_NUMBERS, user, creator)]
        for user, creators in users.items()
    }
    return {
        user: creators
        for user, creators in seen.items()
        if creators or allows(principal, Action.READ_NUMBERS, user)
    }


def _part(action: Action, field: str, named: Iterable[str | None]) -> Forbidden | AccountNeeded:
    """What is answered to a question about more than is allowed: name one of those that are."""
    may = sorted({each for each in named if each is not None})
    if not may:
        return Forbidden(f"Your role does not let you {action.value} these accounts.")
    return AccountNeeded(
        f"Name {field}: you may {action.value} some of these accounts, not all.",
        detail=[{"field": field, "reason": "missing", "among": may}],
    )
