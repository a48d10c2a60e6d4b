"""The parts of a user's owner, made for one reading of the history and connected with each other."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from chats.enriched import EnrichedConversation
from history.history import History
from metrics.declared import BACKLOG, GRAPH_BEHIND_SECONDS, INPUTS_DROPPED, INPUTS_HELD, JOURNAL_LAG
from session.backlog import Backlog
from session.columns import KeptColumns
from session.corrections import Correcting
from session.erasures import Erasures
from session.figures import Figures
from session.graph import GraphWrites
from session.indexes import Indexes
from session.intake import Intake
from session.knowledge import Knowledge
from session.machine import Accepted, CorrectionAccepted, ErasureAccepted, ExpiryDue, Status, UserState
from session.mailbox import Mailbox
from session.pages import Pages
from session.persistence import Persistence
from session.ports import Ports
from session.refits import Refits
from session.retelling import Retelling
from session.retention import Retention
from session.search import Search
from session.set_aside import SetAside
from session.topics import Topics
from session.understanding import Understanding
from settings import Settings
from steps import sliced


class Parts:
    """One user's, as if nothing was known yet.

    `at_rest` is held while the chats change, or must not. `tasks` is where work goes on once the owner runs.
    """

    def __init__(self, user_id: str, settings: Settings, ports: Ports) -> None:
        clock, metrics = ports.clock, ports.metrics
        self.ports = ports
        self.at_rest = at_rest = asyncio.Lock()
        self.tasks = tasks = asyncio.TaskGroup()
        self.mailbox = mailbox = Mailbox()
        self.history = history = History(gap=settings.conversation_gap, silence=settings.silence_threshold)
        self.state = state = UserState(history)
        self.retelling = retelling = Retelling(ports.publisher, state, mailbox, tasks)
        self.frames = frames = retelling.frames
        self.figures = Figures(user_id, history, clock.now())
        self.columns = KeptColumns(user_id, history, clock)
        self.writes = writes = GraphWrites(user_id, history, ports.reader, clock, metrics)
        self.pages = pages = Pages(user_id, state, self.figures, frames, clock)
        self.understanding = Understanding(user_id, history, ports.enricher, clock, pages.send_progress)
        self.indexes = indexes = Indexes(
            user_id,
            history,
            ports.embedder,
            ports.search_folder,
            clock,
            busy=lambda: state.job is not None,
            in_memory=ports.keys.encrypts,
        )
        self.topics = Topics(history, ports.enricher, indexes)
        self.search = Search(user_id, history, ports.embedder, indexes, clock, metrics)
        self.retention = retention = Retention(
            settings.retention_days, clock, ports.erased, history.creators, self._expire
        )
        self.backlog = backlog = Backlog()
        self.knowledge = knowledge = Knowledge(settings.max_held, retention.oldest)
        self.intake = intake = Intake(
            ports.journal,
            knowledge,
            max_text=settings.max_text,
            max_waiting=settings.max_waiting,
            waiting=lambda: backlog.messages,
            accepted=self._accept,
            now=lambda: clock.now().timestamp(),
            metrics=metrics,
        )
        self.correcting = Correcting(history, intake, clock)
        self.set_aside = SetAside(history, knowledge, intake, writes, retelling, at_rest)
        self.refits = refits = Refits(
            user_id,
            history,
            ports.enricher,
            at_rest,
            busy=state.is_whole_due,
            redo=retelling.redo,
            keep=self._keep_revised,
            replaced=writes.drop_unused_topics,
        )
        self.persistence = persistence = Persistence(
            user_id, settings, ports, state, knowledge, refits, writes, retelling, tasks
        )
        self.erasures = Erasures(
            user_id, ports, state, mailbox, knowledge, intake, persistence, refits, frames, indexes, at_rest
        )
        self._dropped: Counter[str] = Counter()  # of what is known to be dropped, what was measured

    async def follow(self) -> None:
        """Have the parts that show or write the history follow what changed in it, while it is at rest."""
        changes = self.history.take_changes()
        self.retelling.show(creator_id for creator_id, _ in changes)
        self.indexes.follow(changes)  # at once: it reads beside, and would take what comes for what it has
        async for key, change in sliced(changes.items()):
            for part in (self.figures, self.columns, self.writes):
                part.follow({key: change})

    @property
    def is_settled(self) -> bool:
        """Whether nothing is in hand and nothing waits, but perhaps for the graph."""
        state = self.state
        waits = state.job is not None or state.inbox or state.status is Status.ERROR
        return not waits and self.mailbox.idle and self.intake.idle and self.pages.idle

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done anywhere."""
        has_all = self.is_settled and self.writes.behind_since() is None
        return has_all and self.erasures.idle and self.indexes.idle and not self.refits.working

    def measure(self) -> None:
        """Set the gauges to what holds now, and count what was dropped since this was called last."""
        metrics = self.ports.metrics
        since = self.writes.behind_since()
        metrics.set(BACKLOG, self.backlog.messages)
        metrics.set(JOURNAL_LAG, max(0, self.ports.journal.sequence - self.persistence.saved))
        metrics.set(INPUTS_HELD, len(self.knowledge.held))
        metrics.set(GRAPH_BEHIND_SECONDS, 0.0 if since is None else self.ports.clock.monotonic() - since)
        for kind, count in (self.knowledge.dropped - self._dropped).items():
            metrics.count(INPUTS_DROPPED, count, kind)
        self._dropped = self.knowledge.dropped.copy()

    def _accept(self, event: Accepted) -> None:
        if isinstance(event, ErasureAccepted):
            self.erasures.add(event.erasure)
        elif not isinstance(event, CorrectionAccepted):
            self.backlog.add(event)
        self.mailbox.put(event)

    def _expire(self, before: Mapping[str, float]) -> None:
        self.mailbox.put(ExpiryDue(before))
        if sum(self.knowledge.expire(*each) for each in before.items()):
            self.erasures.sweep()

    async def _keep_revised(self, nodes: Sequence[EnrichedConversation]) -> None:
        await self.persistence.keep(nodes, self.refits.fits)
        if nodes:  # else nothing changed, and the history need not be at rest
            await self.follow()
