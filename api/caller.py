"""Who calls a route, and whether they may: the dependencies that every route with data in it has.

A caller shows a key or token in `Authorization: Bearer`, or the session's cookie; never in the address, which
ends up in logs. A request that changes something by the cookie alone could come from any page that a browser
has open, so it says the session's CSRF token too, and comes from a page of ours.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request, Security
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ValidationError

from access.gate import Caller, Credentials
from access.policy import Action, decide
from access.principal import LOCAL
from access.setup import Access, GuardedAccess
from access.store import Session
from api.errors import answers
from api.limits import PACED, limits_of
from api.params import Id, NeededId, QueryId
from errors import Forbidden, InputTooLarge, InvalidInput, NotFound

COOKIE: Final = "__Host-session"
CSRF_HEADER: Final = "X-CSRF-Token"
SMALL = 64 * 1024  # bytes of a body that is read before it is known whose it is
_IN_ADDRESSES: Final = ("token", "access_token", "api_key")
_IN_ADDRESS: Final = (
    "A key or token in an address ends up in logs: revoke it, and send another as Authorization: Bearer."
)
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
GUARDED: Final = answers(401, 403)  # what every route of this kind may answer

Model = TypeVar("Model", bound=BaseModel)


def access_of(connection: HTTPConnection) -> Access:
    """The application's, for what is part of every request: a dependency has its price."""
    access: Access = connection.app.state.access
    return access


async def _access(connection: HTTPConnection) -> Access:
    return access_of(connection)


KnownAccess = Annotated[Access, Depends(_access)]


def shown(connection: HTTPConnection) -> Credentials:
    """What the caller shows."""
    if any(name in connection.query_params for name in _IN_ADDRESSES):
        return Credentials(wrong=_IN_ADDRESS)
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    if not scheme:
        return Credentials(session=connection.cookies.get(COOKIE))
    if scheme.lower() != "bearer":
        return Credentials(wrong="Only Authorization: Bearer is understood.")
    return Credentials(bearer=bearer.strip())


def check_page(connection: HTTPConnection, access: Access) -> None:
    """Return when the request does not come from another site's page; else Forbidden."""
    origin = connection.headers.get("origin")
    host = connection.headers.get("host")
    if origin is not None and origin not in access.origins and origin.partition("://")[2] != host:
        raise Forbidden("Pages of another site may not use your session; CORS_ORIGINS names those that may.")


async def known_caller(connection: HTTPConnection) -> Caller:
    """Who calls, whose turn it is."""
    access = access_of(connection)
    caller = await access.gate.caller(shown(connection))
    if caller.principal.id != LOCAL.id and await limits_of(connection).ask(caller.principal.id):
        connection.scope[PACED] = True
    if caller.session is not None and connection.scope.get("method") not in _SAFE:
        check_page(connection, access)
        _check_csrf(connection, caller.session)
    return caller


async def _caller(
    connection: HTTPConnection, _: Annotated[Any, Security(HTTPBearer(auto_error=False))]
) -> Caller:
    return await known_caller(connection)


def _check_csrf(connection: HTTPConnection, session: Session) -> None:
    given = connection.headers.get(CSRF_HEADER, "")
    if not secrets.compare_digest(given.encode(), session.csrf_token.encode()):
        raise Forbidden(f"By session it takes the header {CSRF_HEADER}, as GET /api/v1/me has it.")


KnownCaller = Annotated[Caller, Depends(_caller)]
KNOWN: Final = Depends(_caller)  # of a router: before anything else is looked at
Allows = Callable[[str | None, str | None], Awaitable[None]]


async def allowed(
    access: Access, caller: Caller, action: Action, user_id: str | None, creator_id: str | None
) -> None:
    """Return when the caller may; that message text is read is told to the audit trail first."""
    decide(caller.principal, action, user_id, creator_id)
    if action is Action.READ_TEXT and user_id is not None:
        await access.gate.trail.text_read(caller.principal.id, user_id, creator_id)


def on_account(action: Action) -> Any:
    """Whether the caller may do this with the account: of the path's user, and of a creator or all."""

    async def check(
        connection: HTTPConnection, caller: KnownCaller, user_id: Id, creator_id: QueryId = None
    ) -> None:
        await allowed(access_of(connection), caller, action, user_id, creator_id)

    return Depends(check)


def on_own_account(action: Action) -> Any:
    """The same where the creator is the user itself unless another is named."""

    async def check(
        connection: HTTPConnection, caller: KnownCaller, user_id: Id, creator_id: QueryId = None
    ) -> None:
        await allowed(access_of(connection), caller, action, user_id, creator_id or user_id)

    return Depends(check)


def on_asked_account(action: Action) -> Any:
    """The same where the user is asked for in the query."""

    async def check(
        connection: HTTPConnection, caller: KnownCaller, user_id: NeededId, creator_id: QueryId = None
    ) -> None:
        await allowed(access_of(connection), caller, action, user_id, creator_id)

    return Depends(check)


def on_user(action: Action) -> Any:
    """Whether the caller may do this with all of the path's user."""

    async def check(connection: HTTPConnection, caller: KnownCaller, user_id: Id) -> None:
        await allowed(access_of(connection), caller, action, user_id, None)

    return Depends(check)


def on_installation(action: Action) -> Any:
    """Whether the caller may do this with the whole installation."""

    async def check(connection: HTTPConnection, caller: KnownCaller) -> None:
        await allowed(access_of(connection), caller, action, None, None)

    return Depends(check)


def small_body(model: type[Model]) -> Any:
    """The body as this model, of SMALL bytes at most. A reason never repeats what was sent."""

    async def read(request: Request) -> Model:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > SMALL:
                raise InputTooLarge(f"The body is more than {SMALL} bytes.")
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            fields = [
                {"field": ".".join(str(step) for step in each["loc"]), "reason": each["msg"]}
                for each in found
            ]
            raise InvalidInput("The body was not understood.", detail=fields) from None

    return Depends(read)


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """A small body, for the API's description."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


async def _guarded(access: KnownAccess) -> GuardedAccess:
    if not isinstance(access, GuardedAccess):
        raise NotFound(
            "AUTH=none: everybody on this machine is let in, so there is nobody to sign in or manage."
        )
    return access


KnownGuarded = Annotated[GuardedAccess, Depends(_guarded)]
