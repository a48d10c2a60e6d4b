"""Look after the graph: check it, mend it, copy it to a file or to another home.

    python -m graph check [--user USER]
    python -m graph repair [--user USER]
    python -m graph export (--account USER CREATOR | --all) FILE
    python -m graph import FILE
    python -m graph move --to URL

The settings are the service's. Answers go to stdout, progress to stderr. The exit code is 0 when all is well,
1 when something differs, 2 when it could not be found out.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from chats.account import Account
from errors import GraphError, SettingsError, Unavailable
from graph import care
from graph.connect import connect_as
from graph.port import Graph
from local.commands import DIFFERS, WELL, exit_code, new_parser, say, tell
from local.ray import LOOPBACK, OWN
from local.running import running
from settings import Settings

NOT_ASKED: Final = (
    "Indexes were not looked at: the embedded graph declares its own at every start, and a server does not "
    "tell them to a traversal; deploy/graph/ has those that are needed."
)
NO_OWNERS: Final = (
    "No service runs on this DATA_DIR or RAY_ADDRESS: only what the graph tells by itself was checked."
)
NOW_SET: Final = (
    "Stop the service and start it with GRAPH_URL set to the new home. Owners write each account anew as "
    "they start, with what came since it was copied; until then readers have the copy."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    arguments = _parser().parse_args(argv)
    return exit_code(lambda: asyncio.run(_run(arguments, Settings.from_env())))


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("python -m graph", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (("check", "say what is wrong"), ("repair", "have it mended by the owners")):
        commands.add_parser(name, help=what).add_argument("--user", help="this user's accounts alone")
    export = commands.add_parser("export", help="write accounts to a file, as GraphSON 2")
    which = export.add_mutually_exclusive_group(required=True)
    which.add_argument("--account", nargs=2, metavar=("USER", "CREATOR"))
    which.add_argument("--all", action="store_true")
    export.add_argument("file", type=Path)
    commands.add_parser("import", help="write a file's accounts to the graph").add_argument("file", type=Path)
    move = commands.add_parser("move", help="copy all accounts to another home")
    move.add_argument("--to", required=True, metavar="URL", help="of the other home, as GRAPH_URL names it")
    return parser


async def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    async with _graph(settings, is_new=arguments.command == "import") as (graph, owners):
        match arguments.command:
            case "check":
                wrong = await care.check(graph, owners, tell, say, arguments.user)
                if owners is None:
                    say(NO_OWNERS)
                say(NOT_ASKED)
                tell("All is well." if not wrong else f"{wrong} accounts have something wrong.")
                return DIFFERS if wrong else WELL
            case "repair":
                if owners is None:
                    raise Unavailable("Owners write the graph: start the service, or name its RAY_ADDRESS.")
                left = await care.repair(graph, owners, tell, say, arguments.user)
                tell("All is well." if not left else f"{left} accounts still differ.")
                return DIFFERS if left else WELL
            case "export":
                keys = None if arguments.all else [Account(*arguments.account).key]
                tell(f"{await care.export(graph, keys, arguments.file, say)} vertices are in the file.")
                return WELL
            case "import":
                tell(f"{await care.load(graph, arguments.file, say)} vertices are in the graph.")
                return WELL
        return await _move(graph, arguments.to, settings)


async def _move(source: Graph, url: str, settings: Settings) -> int:
    target = connect_as(settings, url)
    try:
        wrong = await care.move(source, target, tell, say)
    finally:
        await target.close()
    tell(f"{wrong} accounts are not there as they were read." if wrong else f"All is copied. {NOW_SET}")
    return DIFFERS if wrong else WELL


@asynccontextmanager
async def _graph(settings: Settings, *, is_new: bool) -> AsyncIterator[tuple[Graph, care.Owners | None]]:
    """The graph in use, through the writer if a service runs, which may hold it; and then the owners.

    `is_new` says that an embedded graph need not be there yet.
    """
    places = running(settings.data_dir)
    if places is None and not settings.ray_address:
        from actors.graph_writer import graph_url

        url = graph_url(settings)
        if not is_new:
            _check_folder(url)
        graph = connect_as(settings, url)
        try:
            yield graph, None
        finally:
            await graph.close()
        return
    if places is not None:
        settings = replace(settings, ray_address=places["ray_address"], redis_url=places["redis_url"])
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        if settings.ray_address.startswith(LOOPBACK):  # a Ray of the service's own
            os.environ.update({**OWN, **os.environ})
    if not settings.redis_url:
        raise SettingsError("REDIS_URL: set it as the service has it; without it users are not known.")
    import ray

    from actors import registry
    from actors.care import ServiceOwners
    from actors.directory import Directory
    from actors.graph_writer import ThroughActor, names
    from frames.log import connect_redis
    from remote import NAMESPACE

    say("joining the service's Ray ...")
    try:
        ray.init(settings.ray_address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise Unavailable(
            f"The service's Ray is not reached ({type(error).__name__}): check RAY_ADDRESS and RAY_AUTH_MODE."
        ) from error
    redis = connect_redis(settings.redis_url)
    try:
        try:
            writers: list[Any] = [ray.get_actor(name) for name in names(settings)]
            ray.get_actor(registry.NAME)
        except ValueError:
            raise Unavailable("No service runs on that Ray: start it, or unset RAY_ADDRESS.") from None
        yield ThroughActor(writers), ServiceOwners(redis, Directory(settings))
    finally:
        await redis.connection_pool.disconnect()
        ray.shutdown()


def _check_folder(url: str) -> None:
    folder = url.removeprefix("embedded:")
    if folder != url and not Path(folder).is_dir():
        raise GraphError(f"There is no graph in {folder}: check DATA_DIR and GRAPH_URL.")


if __name__ == "__main__":
    sys.exit(main())
