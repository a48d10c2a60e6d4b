"""The services that routes and sockets use, and how routes are given them."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from actors.client import OnlyFansClient
from actors.directory import Directory
from actors.graph_writer import graph_reader, graph_writer
from actors.kept_graph import KeptGraph
from api.gathering import Gathering
from api.limits import Limits
from api.sockets.extension import Extensions
from api.sockets.pages import Pages
from encryption.setup import keyring
from errors import NotFound
from frames.log import connect_redis
from insights.people import Terms
from memory import keep
from metrics.declared import SOCKETS
from metrics.export import export
from metrics.loop_lag import SPARING, LoopLag
from metrics.tally import Tally
from privacy.seal import read_seal
from session.journal import is_known
from session.shifts import rosters_in
from settings import Settings


class Services:
    """Made once a replica, when it starts."""

    def __init__(self, settings: Settings, tally: Tally, limits: Limits) -> None:
        self.redis = connect_redis(settings.redis_url)
        self.owners = Directory(settings)
        self.ingest = Gathering(self.owners)
        self.client = OnlyFansClient(self.owners)
        self._writer = graph_writer(settings)
        self.graph = KeptGraph(graph_reader(settings, self._writer), self.owners)
        self.attribution_hours = settings.attribution_hours
        self.terms = Terms.of(settings.response_target, settings.business_hours, settings.business_time_zone)
        self.rosters = rosters_in(self.redis)
        self.drop_off_days = settings.drop_off_days
        self.keys = partial(keyring, settings)
        self.pages = Pages(self.redis, self.owners, tally, self.keys)
        self.extensions = Extensions(
            self.redis, self.owners, self.ingest, limits, max_frame=settings.max_body
        )
        self.retention_days = settings.retention_days
        self.seal = partial(read_seal, settings.secret_file)
        self.model_ready = self.owners.model_ready
        self._tally = tally
        self._lag = LoopLag(SPARING)
        keep()
        loop = asyncio.get_running_loop()
        self._measuring = (loop.create_task(self._lag.run()), loop.create_task(export(tally, self._measure)))

    async def graph_ready(self) -> None:
        """Return when the graph answers here, and the writer may write it."""
        await asyncio.gather(self.graph.ping(), self._writer.ping())

    def _measure(self) -> None:
        self._tally.set(SOCKETS, self.pages.connected, "page")
        self._tally.set(SOCKETS, self.extensions.connected, "extension")
        self._lag.measure(self._tally, "api")


async def _services(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services


Provided = Annotated[Services, Depends(_services)]


async def check_known(services: Services, user_id: str) -> None:
    """NotFound unless the user ever sent anything: a question wakes nobody who is not there."""
    if not await is_known(services.redis, user_id):
        raise NotFound("This user never sent anything; GET /api/v1/users lists who did.")
