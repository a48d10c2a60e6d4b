"""What a user's owner measured, told to the registry, which stays: see `metrics.tally`."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import ray
from ray.exceptions import RayError

from metrics.export import EVERY
from metrics.tally import Counted, Series, Tally
from remote import NAMESPACE, aside, result

REGISTRY: Final = "registry"  # the name of its actor

log = logging.getLogger(__name__)


class Reports:
    """Of one owner. `measure` sets the tally's gauges; an owner at rest has nothing to tell."""

    def __init__(self, user_id: str, tally: Tally, measure: Callable[[], None]) -> None:
        self._user_id = user_id
        self._tally = tally
        self._measure = measure
        self._gauges: dict[Series, float] = {}  # as they were told last
        self._registry: Any = None

    async def run(self) -> None:
        """Tell what there is, again and again."""
        while True:
            await asyncio.sleep(EVERY)
            await self.tell()

    async def tell(self) -> None:
        """Tell what was measured since the last time; it is lost when the registry does not take it."""
        self._measure()
        counted = self._tally.take()
        if counted == Counted(gauges=self._gauges):
            return
        try:
            if self._registry is None:
                self._registry = await aside(ray.get_actor, REGISTRY, NAMESPACE)
            await result(self._registry.record.options(max_task_retries=0).remote(self._user_id, counted))
            self._gauges = dict(counted.gauges)
        except (ValueError, RayError) as error:  # ValueError: there is none of that name
            log.warning("User %s: measurements are lost (%s).", self._user_id, type(error).__name__)
