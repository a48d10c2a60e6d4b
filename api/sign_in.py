"""Who am I, and signing in and out on the page."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from access.people import LONGEST, SHORTEST
from access.principal import Grant
from access.provider import CALLBACK
from access.sign_in import SESSION_SECONDS, SIGN_IN_SECONDS
from access.store import Session
from api.caller import (
    COOKIE,
    GUARDED,
    KnownAccess,
    KnownCaller,
    KnownGuarded,
    check_page,
    shown,
    small_body,
    takes,
)
from api.errors import answers
from errors import NotFound, Unauthenticated

STATE_COOKIE = "__Host-sign-in"

router = APIRouter(prefix="/api/v1", tags=["access"])


class Me(BaseModel):
    """The caller. `csrf_token` is for the header of requests that change something by session.

    `open_at` is the address at which everybody is let in (AUTH=none); null: callers say who they are.
    """

    id: str
    name: str
    grants: list[Grant]
    csrf_token: str | None = None
    open_at: str | None = None


class Ways(BaseModel):
    """How people sign in: with a password, and through the provider of that name."""

    password: bool
    provider: str | None


class NamePassword(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class OwnPassword(BaseModel):
    """`current` is the present one, which the caller knows; `password` the next."""

    current: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    password: Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]


@router.get("/me", responses=GUARDED)
async def me(access: KnownAccess, caller: KnownCaller) -> Me:
    """Who the caller is, and what was granted to them."""
    session = caller.session
    return Me(
        id=caller.principal.id,
        name=caller.principal.name,
        grants=list(caller.principal.grants),
        csrf_token=None if session is None else session.csrf_token,
        open_at=access.open_at,
    )


@router.put(
    "/me/password", status_code=204, responses={**GUARDED, **answers(429)}, openapi_extra=takes(OwnPassword)
)
async def change_password(
    request: Request,
    access: KnownGuarded,
    caller: KnownCaller,
    new: Annotated[OwnPassword, small_body(OwnPassword)],
) -> None:
    """Set one's own password. All of one's sessions end, this one too."""
    if caller.session is None:
        raise NotFound("There is no session: a key or token has no password.")
    await access.sign_in.change_password(caller.session, new.current, new.password, _address(request))


@router.get("/sign-in")
async def ways(access: KnownGuarded) -> Ways:
    """How people sign in here."""
    return Ways(password=True, provider=access.sign_in.provider)


@router.post("/session", status_code=204, responses=answers(401, 403, 429), openapi_extra=takes(NamePassword))
async def begin(
    request: Request,
    access: KnownGuarded,
    given: Annotated[NamePassword, small_body(NamePassword)],
) -> Response:
    """Sign in with a name and a password: sets the session's cookie."""
    check_page(request, access)  # else another site could sign a browser in as somebody else
    id, session = await access.sign_in.with_password(given.name, given.password, _address(request))
    return _with_session(Response(status_code=204), id, session)


@router.delete("/session", status_code=204, responses=GUARDED)
async def end(request: Request, access: KnownGuarded, caller: KnownCaller) -> Response:
    """Sign out: the session ends, and with it its sockets."""
    id = shown(request).session
    if caller.session is None or id is None:
        raise NotFound("There is no session: a key or token is revoked instead.")
    await access.sign_in.out(id, caller.session)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
    return response


@router.get("/sign-in/provider", status_code=303, response_class=RedirectResponse)
async def to_provider(access: KnownGuarded) -> Response:
    """Sends the browser to the provider."""
    address, state = await access.sign_in.begin_at_provider()
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(
        STATE_COOKIE, state, max_age=SIGN_IN_SECONDS, secure=True, httponly=True, samesite="lax"
    )
    return response


@router.get(CALLBACK.removeprefix("/api/v1"), status_code=303, response_class=RedirectResponse)
async def from_provider(
    request: Request, access: KnownGuarded, code: str | None = None, state: str | None = None
) -> Response:
    """Where the provider sends the browser back to: sets the session's cookie."""
    if code is None or state is None:
        raise Unauthenticated("The provider did not sign you in; begin again.")
    kept = request.cookies.get(STATE_COOKIE)
    id, session = await access.sign_in.from_provider(code, state, kept, _address(request))
    response = _with_session(RedirectResponse("/", status_code=303), id, session)
    response.delete_cookie(STATE_COOKIE, secure=True, httponly=True, samesite="lax")
    return response


def _with_session(response: Response, id: str, session: Session) -> Response:
    # Strict: no other site's page has it sent, not even by a link. Our page holds nothing until it asks.
    response.set_cookie(COOKIE, id, max_age=SESSION_SECONDS, secure=True, httponly=True, samesite="strict")
    response.headers["Cache-Control"] = "no-store"
    return response


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
