"""Carries out what was erased, until nothing of it is kept anywhere: then there is a receipt.

It begins when the erasure is in the history. Each step may be repeated, and an owner that comes after a crash
begins with the first.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from redis.exceptions import RedisError

from backoff import Backoff
from errors import AnalyticsError, JournalUnavailable, StaleOwner, Unavailable
from frames.publisher import Publisher
from session.erasure import Erasure, Scope
from session.indexes import Indexes
from session.intake import Intake
from session.knowledge import Knowledge
from session.machine import UserState
from session.mailbox import Mailbox
from session.persistence import Persistence
from session.ports import Ports
from session.refits import Refits

log = logging.getLogger(__name__)

RETRY_FIRST, RETRY_MOST = 0.5, 60.0
LOOK_EVERY = 0.5  # seconds, at what is waited for
REDIS_LOG = "redis_log"  # what an operator has to see to, where Redis refuses


class Erasures:
    """One user's. `at_rest` is held while chats are taken into a checkpoint."""

    def __init__(
        self,
        user_id: str,
        ports: Ports,
        state: UserState,
        mailbox: Mailbox,
        knowledge: Knowledge,
        intake: Intake,
        persistence: Persistence,
        refits: Refits,
        frames: Publisher,
        indexes: Indexes,
        at_rest: asyncio.Lock,
    ) -> None:
        self._user_id = user_id
        self._ports = ports
        self._state = state
        self._mailbox = mailbox
        self._knowledge = knowledge
        self._intake = intake
        self._persistence = persistence
        self._refits = refits
        self._frames = frames
        self._indexes = indexes
        self._at_rest = at_rest
        self._epoch = 0
        self._asked = asyncio.Event()
        self._changed = asyncio.Condition()
        self._sweeps = self._swept = 0  # asked for, and how many of these were carried out
        self._shown: set[str] = set()  # receipts of what the history still has
        self.due: dict[str, Erasure] = {}  # by receipt

    def begin(self, epoch: int, due: Sequence[Erasure]) -> None:
        """Go on as this owner, with what was not carried out."""
        self._epoch = epoch
        self.due.update({each.receipt: each for each in due})
        self._asked.set()

    async def erase(
        self, receipt: str, creator_id: str | None, id: str | None, within: float
    ) -> dict[str, Any]:
        """Have a fan, an account or all of the user erased; see `Session.erase`."""
        if (known := await self.answer(receipt, 0.0)) is not None:
            return known
        scope: Scope = "user" if creator_id is None else "account" if id is None else "fan"
        asked = Erasure(
            receipt=receipt,
            scope=scope,
            creator_id=creator_id,
            accounts=tuple(self._state.history.creators()) if creator_id is None else (creator_id,),
            names=(),
            requested_at=self._ports.clock.now().timestamp(),
            subject=self._ports.seal().subject(self._user_id, creator_id, id),
        )
        await self._intake.erase(asked, id)
        found = await self.answer(receipt, within)
        assert found is not None, "it was added"
        return found

    def add(self, erasure: Erasure) -> None:
        """One that is in the journal; the history still has what it names."""
        self.due[erasure.receipt] = erasure
        self._shown.add(erasure.receipt)

    async def gone(self, erasure: Erasure) -> None:
        """The history has it no more."""
        async with self._changed:
            self._shown.discard(erasure.receipt)
            self._changed.notify_all()

    def look(self) -> None:
        """The history has taken in something."""
        if self.due:
            self._asked.set()

    def sweep(self) -> None:
        """Have what is kept say no more than the history does: something of it has expired."""
        self._sweeps += 1
        self._asked.set()

    async def answer(self, receipt: str, within: float) -> dict[str, Any] | None:
        """The receipt, once it is there, or after so many seconds what is known; None: there is none.

        By then the history has nothing of it, however long that takes. JournalUnavailable.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: receipt not in self._shown)
        with suppress(TimeoutError):
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: receipt not in self.due)
        if (waits := self.due.get(receipt)) is not None:
            return self._facts(waits)
        try:
            stored = await self._ports.erased.receipt(receipt)
        except RedisError as error:
            raise JournalUnavailable(f"Redis does not answer ({type(error).__name__}); try again.") from error
        facts: dict[str, Any] | None = None if stored is None else orjson.loads(stored)
        return facts

    async def run(self) -> None:
        """Carry out what is due, again and again. Raises StaleOwner when the user has a new owner."""
        backoff = Backoff(RETRY_FIRST, RETRY_MOST, sleep=self._ports.clock.sleep)
        while True:
            await self._asked.wait()
            self._asked.clear()
            while (due := self._ready()) or self._swept < self._sweeps:
                sweeps = self._sweeps
                try:
                    await self._carry_out(due)
                except StaleOwner:
                    raise
                except (AnalyticsError, RedisError) as error:
                    log.warning(
                        "User %s: an erasure is carried out later (%s).", self._user_id, type(error).__name__
                    )
                    await backoff.pause()
                else:
                    self._swept = sweeps
                    backoff.reset()

    def _ready(self) -> list[Erasure]:
        """What the history has no more, and may still be kept."""
        return [each for each in self.due.values() if each.sequence <= self._state.sequence]

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be carried out."""
        return not self.due and self._swept == self._sweeps

    async def _carry_out(self, due: Sequence[Erasure]) -> None:
        clock, erased = self._ports.clock, self._ports.erased
        while self._refits.working:  # it may be fitting what is erased
            await clock.sleep(LOOK_EVERY)
        topics = {each.receipt: await self._forget_topics(each) for each in due}
        accounts = {id for each in due for id in self._still_erased(each)}
        is_named = await self._purge(accounts)
        await self._frames.forget()
        await self._indexes.purge()
        left = [] if await erased.forget_log() else [REDIS_LOG]
        while is_named:
            await clock.sleep(LOOK_EVERY)  # the graph may be away for long
            if not self._persistence.names_erased(accounts):
                is_named = await self._purge(accounts)
        await self._ports.keys.destroy(lambda creator_id: self._is_gone(creator_id, due))
        for each in due:
            facts = self._facts(each)
            facts["removed"]["topics"] = topics[each.receipt]
            facts |= {"completed_at": _moment(clock.now().timestamp()), "left": left}
            sealed = orjson.dumps(self._ports.seal().signed(facts))
            await erased.finish(self._epoch, each.receipt, sealed, self._unknown(each))
            async with self._changed:
                del self.due[each.receipt]
                self._changed.notify_all()
            log.info("User %s: erasure %s is carried out.", self._user_id, each.receipt)

    def _unknown(self, erasure: Erasure) -> list[str] | None:
        """The creators of whom nothing is kept from now on; None: there is nothing of the user."""
        if erasure.scope == "fan":
            return []
        found = self._still_erased(erasure)
        return None if erasure.scope == "user" and len(found) == len(erasure.accounts) else found

    def _is_gone(self, creator_id: str, due: Sequence[Erasure]) -> bool:
        """Whether all of the account is erased, and nothing of it came since."""
        named = any(
            each.scope == "user" or (each.scope == "account" and creator_id in each.accounts) for each in due
        )
        return named and self._knowledge.is_erased(creator_id) and not self._persistence.holds(creator_id)

    def _still_erased(self, erasure: Erasure) -> list[str]:
        """Its accounts of which nothing is taken: what was lifted meanwhile may have news."""
        return [each for each in erasure.accounts if self._knowledge.is_erased(each)]

    async def _forget_topics(self, erasure: Erasure) -> int:
        lost = 0
        for creator_id in erasure.accounts:
            everything = erasure.scope != "fan"
            found = await self._ports.enricher.forget_topics(creator_id, everything=everything)
            if everything:
                self._refits.fits.pop(creator_id, None)
            elif found:
                self._refits.anew(creator_id)
            lost += found
        await self._persistence.keep((), self._refits.fits)
        return lost

    async def _purge(self, accounts: Collection[str]) -> bool:
        """Have what is kept say no more than what is held; whether ids of what is erased are in it yet."""
        async with self._at_rest:
            self._catch_up()
            writing = await self._persistence.purge()
            is_named = self._persistence.names_erased(accounts)
        if not await writing:
            raise Unavailable("The checkpoints were not written anew.")
        return is_named

    def _catch_up(self) -> None:
        """Have the history be of the journal's end, if only what is no event, such as held input, follows."""
        if self._intake.idle and self._mailbox.idle and not self._state.inbox:
            self._state.sequence = max(self._state.sequence, self._ports.journal.sequence)

    def _facts(self, erasure: Erasure) -> dict[str, Any]:
        return {
            "receipt": erasure.receipt,
            "user_id": self._user_id,
            "scope": erasure.scope,
            "subject": erasure.subject,
            "requested_at": _moment(erasure.requested_at),
            "completed_at": None,
            "removed": dict(erasure.removed),
            "left": [],
        }


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
