"""For how long messages are kept: a term for all, and one for an account that has its own."""

from collections.abc import Callable, Iterable, Mapping

from redis.exceptions import RedisError

from errors import JournalUnavailable
from session.clock import Clock
from session.erased import Erased

DAY = 86_400.0  # seconds
EVERY = DAY


class Retention:
    """One user's. `days` is the term of all others (0: for ever), `erased` keeps those that accounts have.

    `due` is called with the times, by creator, from before which nothing is to be kept any longer.
    """

    def __init__(
        self,
        days: int,
        clock: Clock,
        erased: Erased,
        creators: Callable[[], Iterable[str]],
        due: Callable[[Mapping[str, float]], None],
    ) -> None:
        self._days = days
        self._clock = clock
        self._erased = erased
        self._creators = creators
        self._due = due
        self._own: dict[str, int] = {}

    def begin(self, own: Mapping[str, int]) -> None:
        """Go on with these terms of accounts."""
        self._own = dict(own)

    async def keep_for(self, creator_id: str, days: int | None) -> None:
        """Give an account another term from now on (None: that of all others). JournalUnavailable."""
        try:
            await self._erased.keep_for(creator_id, days)
        except RedisError as error:
            raise JournalUnavailable(
                f"Redis does not answer ({type(error).__name__}); nothing was changed, try again."
            ) from error
        if days is None:
            self._own.pop(creator_id, None)
        else:
            self._own[creator_id] = days
        self._look([creator_id])

    def oldest(self, creator_id: str) -> float | None:
        """The time (epoch seconds) from which on messages of the creator are kept; None: all are."""
        days = self._own.get(creator_id, self._days)
        return self._clock.now().timestamp() - days * DAY if days else None

    async def run(self) -> None:
        """Have dropped what is past its term, once now and then every day."""
        while True:
            self._look(self._creators())
            await self._clock.sleep(EVERY)

    def _look(self, creators: Iterable[str]) -> None:
        before = {id: at for id in creators if (at := self.oldest(id)) is not None}
        if before:
            self._due(before)
