"""Keys, people and grants, for admins."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from access.keys import Key
from access.people import LONGEST, NAME, SHORTEST
from access.policy import Action
from access.principal import Grant
from api.caller import GUARDED, KnownCaller, KnownGuarded, on_installation, small_body, takes
from api.params import Limit

MOST_DAYS = 3650

router = APIRouter(
    prefix="/api/v1/access",
    tags=["access"],
    dependencies=[on_installation(Action.MANAGE_ACCESS)],
    responses=GUARDED,
)
trail = APIRouter(
    prefix="/api/v1/access",
    tags=["access"],
    dependencies=[on_installation(Action.SEE_AUDIT)],
    responses=GUARDED,
)

Name = Annotated[str, Field(pattern=NAME)]


class ShownKey(BaseModel):
    id: str  # the principal
    name: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    grants: list[Grant]


class NewKey(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    grants: Annotated[list[Grant], Field(max_length=100)] = []
    days: Annotated[float | None, Field(gt=0, le=MOST_DAYS)] = (
        None  # that it is valid; null: until it is revoked
    )


class CreatedKey(ShownKey):
    """A new key; nothing ever tells `key` again."""

    key: str


class ShownPerson(BaseModel):
    id: str  # the principal
    name: str
    grants: list[Grant]


class NewPerson(BaseModel):
    name: Name
    password: Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]
    grants: Annotated[list[Grant], Field(max_length=100)] = []


class NewPassword(BaseModel):
    password: Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]


class Granted(BaseModel):
    """A grant of a principal: `key:ID`, `person:NAME`, or `token:ISSUER|SUBJECT`."""

    principal: Annotated[str, Field(min_length=1, max_length=512)]
    grant: Grant


class AuditRecord(BaseModel):
    number: int
    hash: str
    record: dict[str, Any]  # at, event, who, and what it is about


class Verdict(BaseModel):
    """`records` that follow on each other as they were written, and the hash of the last of them.

    `problem` says what is wrong with the one after; null: nothing.
    """

    records: int
    last: str
    problem: str | None


@router.get("/keys")
async def keys(access: KnownGuarded) -> list[ShownKey]:
    """Every key that is not revoked."""
    return [
        _shown(key, await access.manager.store.grants(key.principal))
        for key in await access.manager.store.keys()
    ]


@router.post("/keys", status_code=201, openapi_extra=takes(NewKey))
async def create_key(
    access: KnownGuarded, caller: KnownCaller, new: Annotated[NewKey, small_body(NewKey)]
) -> CreatedKey:
    """A new key, told this once."""
    lasts = None if new.days is None else timedelta(days=new.days)
    text, key = await access.manager.create_key(caller.principal.id, new.name, new.grants, lasts)
    return CreatedKey(**_shown(key, new.grants).model_dump(), key=text)


@router.delete("/keys/{id}", status_code=204)
async def revoke_key(access: KnownGuarded, caller: KnownCaller, id: str) -> None:
    """Revoke a key: it holds nowhere any more within a second, and its sockets are closed."""
    await access.manager.revoke_key(caller.principal.id, id)


@router.get("/people")
async def people(access: KnownGuarded) -> list[ShownPerson]:
    """Everybody with a local account."""
    return [
        ShownPerson(
            id=each.principal, name=each.name, grants=list(await access.manager.store.grants(each.principal))
        )
        for each in await access.manager.store.people()
    ]


@router.post("/people", status_code=201, openapi_extra=takes(NewPerson))
async def add_person(
    access: KnownGuarded, caller: KnownCaller, new: Annotated[NewPerson, small_body(NewPerson)]
) -> ShownPerson:
    """Make a local account."""
    person = await access.manager.add_person(caller.principal.id, new.name, new.password, new.grants)
    return ShownPerson(id=person.principal, name=person.name, grants=new.grants)


@router.put("/people/{name}/password", status_code=204, openapi_extra=takes(NewPassword))
async def set_password(
    access: KnownGuarded,
    caller: KnownCaller,
    name: str,
    new: Annotated[NewPassword, small_body(NewPassword)],
) -> None:
    """Set a person's password; the person's sessions end."""
    await access.manager.set_password(caller.principal.id, name, new.password)


@router.delete("/people/{name}", status_code=204)
async def remove_person(access: KnownGuarded, caller: KnownCaller, name: str) -> None:
    """Remove a local account; the person's sessions end."""
    await access.manager.remove_person(caller.principal.id, name)


@router.get("/grants")
async def grants(access: KnownGuarded) -> list[Granted]:
    """Every grant that is kept here; those that a provider's claim gives are not."""
    found = await access.manager.store.all_grants()
    return [Granted(principal=id, grant=grant) for id, granted in found.items() for grant in granted]


@router.post("/grants", status_code=201, openapi_extra=takes(Granted))
async def add_grant(
    access: KnownGuarded, caller: KnownCaller, new: Annotated[Granted, small_body(Granted)]
) -> Granted:
    """Grant a role."""
    await access.manager.add_grant(caller.principal.id, new.principal, new.grant)
    return new


@router.post("/grants/remove", status_code=204, openapi_extra=takes(Granted))
async def remove_grant(
    access: KnownGuarded, caller: KnownCaller, old: Annotated[Granted, small_body(Granted)]
) -> None:
    """Take a grant back; sockets that hang on it are closed within a second."""
    await access.manager.remove_grant(caller.principal.id, old.principal, old.grant)


@trail.get("/audit")
async def audit(access: KnownGuarded, limit: Limit = 100) -> list[AuditRecord]:
    """The newest records of the audit trail, the newest first."""
    return [
        AuditRecord(number=record.number, hash=record.hash, record=record.facts)
        for record in await access.audit.newest(limit)
    ]


@trail.get("/audit/verify")
async def verify_audit(
    access: KnownGuarded, through: Annotated[str | None, Query(max_length=64)] = None
) -> Verdict:
    """Whether the whole trail is as it was written, and has the record with the hash that was noted."""
    records, last, problem = await access.audit.verify(through)
    return Verdict(records=records, last=last, problem=problem)


def _shown(key: Key, grants: "list[Grant] | tuple[Grant, ...]") -> ShownKey:
    return ShownKey(
        id=key.principal,
        name=key.name,
        created_at=key.created_at,
        expires_at=key.expires_at,
        grants=list(grants),
    )
