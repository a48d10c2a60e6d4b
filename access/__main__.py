"""Who may do what: keys, people, grants, the audit trail, and the secrets that it hangs on.

    python -m access keys create NAME [--grant GRANT]... [--days DAYS]
    python -m access keys list | revoke ID
    python -m access people add NAME [--grant GRANT]... | list | remove NAME | password NAME
    python -m access grants add PRINCIPAL GRANT | remove PRINCIPAL GRANT | list
    python -m access audit show | verify [--through HASH]
    python -m access secret list | rotate | retire VERSION [--revoke-keys]
    python -m access storage list | rotate | rewrap | retire VERSION

A GRANT is "ROLE USER [CREATOR] [with-text]": "chatter agency1 4711", "owner agency1", "admin *". A PRINCIPAL
is key:ID, person:NAME or token:ISSUER|SUBJECT. Passwords are asked for, or read from stdin where that is no
terminal. `secret` is the installation's secret, `storage` the master key of what is stored encrypted; a
VERSION is one that `list` shows.

The settings are the service's, and its Redis that of the service that runs on DATA_DIR, or REDIS_URL. The
exit code is 0 when all is well, 1 when the audit trail is not whole, 2 when a command failed.
"""

import argparse
import asyncio
import getpass
import shlex
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from access.audit import Audit
from access.manage import Manager, told
from access.principal import Grant
from access.rotation import MasterRotation, SecretRotation, shown
from access.secret import read_secret
from access.store import Store
from encryption.setup import data_keys
from errors import InvalidInput, SettingsError
from frames.log import connect_redis
from local.commands import DIFFERS, WELL, exit_code, new_parser, say, tell
from local.running import running
from settings import Settings

WHO: Final = "command line"
WHAT_IF_LOST: Final = "without it all keys are void, and the trail and receipts cannot be checked"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    arguments = _parser().parse_args(argv)
    return exit_code(lambda: asyncio.run(_run(arguments, Settings.from_env())))


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("python -m access", __doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)

    keys = kinds.add_parser("keys", help="of programs").add_subparsers(dest="command", required=True)
    create = keys.add_parser("create", help="a new key, told this once")
    create.add_argument("name")
    create.add_argument("--grant", type=_grant, action="append", default=[], dest="grants")
    create.add_argument("--days", type=float, help="that it is valid; without, until it is revoked")
    keys.add_parser("list")
    keys.add_parser("revoke").add_argument("id")

    people = kinds.add_parser("people", help="with a name and a password").add_subparsers(
        dest="command", required=True
    )
    add = people.add_parser("add")
    add.add_argument("name")
    add.add_argument("--grant", type=_grant, action="append", default=[], dest="grants")
    people.add_parser("list")
    people.add_parser("remove").add_argument("name")
    people.add_parser("password").add_argument("name")

    grants = kinds.add_parser("grants", help="of either").add_subparsers(dest="command", required=True)
    for command in ("add", "remove"):
        each = grants.add_parser(command)
        each.add_argument("principal")
        each.add_argument("grant", type=_grant)
    grants.add_parser("list")

    audit = kinds.add_parser("audit", help="who did what").add_subparsers(dest="command", required=True)
    audit.add_parser("show")
    audit.add_parser("verify").add_argument("--through", metavar="HASH", help="it was noted earlier")

    secret = kinds.add_parser("secret", help="that keys, receipts and the trail are signed with")
    of_secret = secret.add_subparsers(dest="command", required=True)
    of_secret.add_parser("list", help="the versions, the newest first")
    of_secret.add_parser("rotate", help="sign with a new version; what the others signed holds on")
    retire = of_secret.add_parser("retire", help="what this version signed holds no more")
    retire.add_argument("version")
    retire.add_argument("--revoke-keys", action="store_true", help="those that were not used since")

    storage = kinds.add_parser("storage", help="the master key of what is stored encrypted")
    of_storage = storage.add_subparsers(dest="command", required=True)
    of_storage.add_parser("list", help="the versions, the newest first")
    of_storage.add_parser("rotate", help="wrap all data keys with a new version")
    of_storage.add_parser("rewrap", help="wrap all data keys with the newest version")
    of_storage.add_parser("retire", help="take this version out of the file").add_argument("version")
    return parser


def _grant(text: str) -> Grant:
    """A grant as it is written; argparse.ArgumentTypeError when it is none."""
    role, user, creator, *rest = [*shlex.split(text), "", "", ""]
    words = [each for each in (creator, *rest) if each]
    with_text = "with-text" in words
    creators = [each for each in words if each != "with-text"]
    try:
        if len(creators) > 1:
            raise ValueError("too many words")
        return Grant.model_validate(
            {
                "role": role,
                "user_id": user,
                "creator_id": creators[0] if creators else None,
                "with_text": with_text,
            }
        )
    except ValueError as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise argparse.ArgumentTypeError(
            f'{reason}: a grant is "ROLE USER [CREATOR] [with-text]", such as "chatter agency1 4711"'
        ) from None


async def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    redis = connect_redis(_redis_url(settings))
    try:
        secret = read_secret(settings.secret_file)
        audit = Audit(redis, secret)
        if arguments.kind == "audit":
            return await _audit(audit, arguments)
        manager = Manager(Store(redis), secret, audit)
        if arguments.kind == "secret":
            await _secret(SecretRotation(settings.secret_file, manager, audit), arguments)
            return WELL
        if arguments.kind == "storage":
            await _storage(settings, audit, arguments)
            return WELL
        await _change(manager, arguments)
        return WELL
    finally:
        await redis.connection_pool.disconnect()


def _redis_url(settings: Settings) -> str:
    places = running(settings.data_dir)
    url = settings.redis_url if places is None else places["redis_url"]
    if not url:
        raise SettingsError(
            f"DATA_DIR={settings.data_dir}: no service runs on it; start it, or set REDIS_URL as it has it."
        )
    return url


async def _audit(audit: Audit, arguments: argparse.Namespace) -> int:
    if arguments.command == "show":
        async for record in audit.records():
            about = "".join(
                f"  {name}={value}"
                for name, value in record.facts.items()
                if name not in ("at", "event", "who")
            )
            facts = record.facts
            tell(f"{record.number}  {facts['at']}  {facts['who']}  {facts['event']}{about}")
        return WELL
    number, last, wrong = await audit.verify(arguments.through)
    tell(f"{number} records, the last one's hash {last}.")
    tell("All is well." if wrong is None else f"Not whole: {wrong}.")
    return WELL if wrong is None else DIFFERS


async def _secret(rotation: SecretRotation, arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "list":
            for version, line in zip(rotation.versions(), shown(rotation.versions()), strict=True):
                keys = len(await rotation.hanging_on(version.id))
                tell(f"{line}  {keys} keys were used last with it")
        case "rotate":
            version = await rotation.rotate(WHO)
            say(f"Version {version.id} signs from now on. Back the file up: {WHAT_IF_LOST}.")
        case "retire":
            await rotation.retire(WHO, arguments.version, revoke_keys=arguments.revoke_keys)
            say("What it signed holds no more: receipts of that time are not valid now.")


async def _storage(settings: Settings, audit: Audit, arguments: argparse.Namespace) -> None:
    if not settings.encryption_key_file:
        raise SettingsError("ENCRYPTION_KEY_FILE: set it to the file of the master keys.")
    rotation = MasterRotation(Path(settings.encryption_key_file), data_keys(settings), audit)
    match arguments.command:
        case "list":
            used = rotation.used()
            for version, line in zip(rotation.versions(), shown(rotation.versions()), strict=True):
                tell(f"{line}  {'data keys are wrapped by it' if version.id in used else 'not used'}")
        case "rotate":
            version, count = await rotation.rotate(WHO)
            say(f"Version {version.id} wraps from now on; {count} data keys were wrapped anew.")
            say("Back the file up, apart from all else: without it nothing encrypted can be read.")
        case "rewrap":
            say(f"{rotation.rewrap()} data keys were wrapped anew.")
        case "retire":
            await rotation.retire(WHO, arguments.version)
            say("It is gone; backups of data keys that it wrapped cannot be used any more.")


async def _change(manager: Manager, arguments: argparse.Namespace) -> None:
    match arguments.kind, arguments.command:
        case "keys", "create":
            if arguments.days is not None and not arguments.days > 0:
                raise InvalidInput("--days: above 0.")
            lasts = None if arguments.days is None else timedelta(days=arguments.days)
            text, key = await manager.create_key(WHO, arguments.name, arguments.grants, lasts)
            say(f"{key.principal}, shown this once:")
            tell(text)
        case "keys", "list":
            for key in await manager.store.keys():
                until = "" if key.expires_at is None else f"  until {key.expires_at:%Y-%m-%d %H:%M}"
                tell(f"{key.principal}  {key.name}{until}  {await _granted(manager, key.principal)}")
        case "keys", "revoke":
            await manager.revoke_key(WHO, arguments.id)
        case "people", "add":
            await manager.add_person(WHO, arguments.name, _password(), arguments.grants)
        case "people", "list":
            for person in await manager.store.people():
                tell(f"{person.principal}  {await _granted(manager, person.principal)}")
        case "people", "remove":
            await manager.remove_person(WHO, arguments.name)
        case "people", "password":
            await manager.set_password(WHO, arguments.name, _password())
        case "grants", "add":
            await manager.add_grant(WHO, arguments.principal, arguments.grant)
        case "grants", "remove":
            await manager.remove_grant(WHO, arguments.principal, arguments.grant)
        case "grants", "list":
            for principal, grants in (await manager.store.all_grants()).items():
                for grant in grants:
                    tell(f"{principal}  {told(grant)}")


async def _granted(manager: Manager, principal: str) -> str:
    grants = await manager.store.grants(principal)
    return "; ".join(map(told, grants)) or "no grants"


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise InvalidInput("The two are not the same; nothing was changed.")
    return password


if __name__ == "__main__":
    sys.exit(main())
