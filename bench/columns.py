"""What insights cost from the columns that are kept beside the graph, against DuckDB on the same rows.

`python -m bench.columns` prints every insight; `make bench` has them added up by window. Each answer is made
as it is for REST: columns are read, put into bytes and out of them as on their way from the owner, the answer
is computed, and written as JSON. DuckDB computes the same numbers with SQL from tables in memory.
"""

import asyncio
import pickle
import sys
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow
from pydantic_core import to_json

from actors.kept_graph import KeptGraph
from bench.accounts import CREATOR, DAY, NOW, USER, conversations, fans
from bench.figure import Figure, percentile, table
from chats.account import Account
from graph.port import Graph
from graph.rows import fan_facts
from graph.traversals import (
    ACTIVITY,
    CONVERSATIONS,
    DISCUSSED,
    FANS,
    MESSAGES,
    OFFERED,
    PROFILES,
    SALES,
    TARGETS,
    USED,
)
from insights.columns import NOT_KNOWN, Coded, Table
from insights.fan_queries import fetch_cohorts, fetch_fans
from insights.fans import Asked
from insights.kept import AccountColumns, Changes, Put
from insights.money import fetch_conversion, fetch_ppv
from insights.people import Terms
from insights.periods import Period
from insights.queries import (
    build_analytics_update,
    fetch_response_time_metrics,
    fetch_sentiment_trend,
    fetch_topic_metrics,
)
from insights.risk import Fits
from insights.tables import Ask, Version
from insights.team import About, fetch_heatmap, fetch_people
from insights.window import Window

SHORT, LONG = 10_000, 100_000  # conversations, spread over a year
WINDOWS: Final = (7, 30, 365)  # days
RUNS: Final = 3
TOGETHER: Final = 4_000
CHANGES: Final = 50
MEMORY_GOAL: Final = 64.0  # MiB
PK: Final = Account(USER, CREATOR).key
TERMS: Final = Terms(300.0)
FITS: Final = Fits()

Answer = Callable[[Graph, datetime, datetime], Awaitable[Any]]


class _Owner:
    """The owner of the account, in this process."""

    def __init__(self, size: int) -> None:
        self.columns_ = AccountColumns()
        self.version = 0
        changes: Changes = OrderedDict()
        for node in conversations(size):
            changes[node.id] = Put.of(node, PK)
            if len(changes) >= TOGETHER:
                self.columns_.follow(changes, {})
                changes = OrderedDict()
        self.columns_.follow(changes, {each.chat_id: fan_facts(each) for each in fans(size)})

    async def columns(
        self, user_id: str, creator_id: str, asks: Sequence[Ask]
    ) -> tuple[Version, list[Table]]:
        # As Ray carries them: arrays are copied once, and read where they lie.
        buffers: list[pickle.PickleBuffer] = []
        tables = [each.compact() for each in self.columns_.read(asks)]
        rest = pickle.dumps(tables, protocol=5, buffer_callback=buffers.append)
        return (self.version,), pickle.loads(rest, buffers=[bytes(each.raw()) for each in buffers])

    async def column_versions(self, user_id: str, creators: Sequence[str]) -> list[Version | None]:
        return [(self.version,) for _ in creators]


class _Sql:
    """The same rows in DuckDB, as flat tables in memory in the order of time, and the same questions."""

    def __init__(self, columns: AccountColumns) -> None:
        self._db = duckdb.connect()
        start, end = int(NOW.timestamp()) - 400 * DAY, int(NOW.timestamp()) + 400 * DAY
        traversals = (CONVERSATIONS, OFFERED, MESSAGES, DISCUSSED, USED, TARGETS, SALES, ACTIVITY)
        talks, offered, counts, topics, actions, targets, outcomes, activity = columns.read(
            [Ask(each, start, end) for each in traversals]
        )
        people, profiles = columns.read([Ask(FANS), Ask(PROFILES)])
        begun = talks.numbers("startDate")
        talk = {
            name: column
            for each in (offered, counts, talks, activity)
            for name, column in _flat(each).items()
        }
        self._table("talks", talk)
        lists = {
            "times": talks.nested("responseSeconds"),
            **{name: offered.nested(name) for name in ("said", "answers", "offers")},
        }
        for name, nested in lists.items():
            of = {"conversation": nested.parents, "startDate": begun[nested.parents]}
            self._table(name, {**of, **_flat(nested.table)})
        for name, links in (("topics", topics), ("actions", actions), ("targets", targets)):
            parents = links.coded("conversation").codes
            self._table(name, {**_flat(links), "conversation": parents, "startDate": begun[parents]})
        follows = outcomes.nested("follows")
        sender = np.full(len(outcomes), "", object)
        sender[follows.parents] = follows.table.coded("sender").strings()
        self._table("outcomes", {**_flat(outcomes), "sender": sender})
        self._table("fans", {**_flat(people), **_flat(profiles)})

    def _table(self, name: str, columns: Mapping[str, Any]) -> None:
        found = pyarrow.table({key: _nullable(values) for key, values in columns.items()})
        self._db.register("found", found)
        self._db.execute(f"create table {name} as select * from found")
        self._db.unregister("found")

    def ask(self, insight: str, start: datetime, end: datetime) -> list[list[Any]]:
        """The rows of each of the insight's queries."""
        first, last = int(start.timestamp()), int(end.timestamp())
        names = {"start": first, "end": last, "before": 2 * first - last, "now": NOW.timestamp()}
        return [
            self._db.execute(
                query, {key: value for key, value in names.items() if f"${key}" in query}
            ).fetchall()
            for query in SQL[insight]
        ]


def _nullable(values: Any) -> Any:
    """The values for a database, null where they are not known."""
    is_time = isinstance(values, np.ndarray) and values.dtype == np.int64
    return pyarrow.array(values, mask=values == NOT_KNOWN if is_time else None, from_pandas=True)


def _flat(table: Table) -> dict[str, Any]:
    """Columns for a table of a database: what is named by an id as a number, other strings as they are."""
    found: dict[str, Any] = {}
    for name, column in table.columns.items():
        if isinstance(column, np.ndarray):
            found[name] = column
        elif isinstance(column, Coded):
            found[name] = column.codes if name in ("conversation", "chatId", "fanId") else column.strings()
    return found


_IN = '"startDate" >= $start and "startDate" < $end'
_WITHIN = "count(*) filter (seconds <= {0}) / count(*)"
_TIMES: Final = f"""select avg(seconds), median(seconds), quantile_disc(seconds, 0.9), max(seconds), count(*),
    {", ".join(_WITHIN.format(bound) for bound in (300, 3600, 14_400, 28_800, 86_400))}
    from times where {_IN}"""
_TALKS: Final = f"""select count(*), sum("messageCount"), sum("fanMessages"), sum("massMessages"),
    sum("ppvOffers"), sum("massPpvOffers"), sum("unanswered"), avg("turns"),
    avg("endDate" - "startDate") filter ("messageCount" >= 2),
    avg(least(100, 100 * "silenceSeconds" / ("endDate" - "startDate"))) filter ("endDate" > "startDate")
    from talks where {_IN} and "fanMessages" > 0"""
_TREND: Final = f"""select "startDate" // 86400 as day, sum("sentimentSum") / sum("sentimentCount"),
    sum("sentimentCount") from talks where {_IN} and "sentimentCount" > 0 group by day order by day"""
_TOPICS: Final = """select topic, id, count(*) filter ("startDate" >= $start) as volume,
    count(*) filter ("startDate" < $start) from topics
    where "startDate" >= $before and "startDate" < $end group by topic, id order by volume desc, topic"""
_FULL: Final = (
    _TALKS,
    _TIMES,
    _TREND,
    _TOPICS,
    f"select type, count(*) from actions where {_IN} group by type",
    "select type, count(*), sum(amount) from outcomes where date >= $start and date < $end group by type",
    """select "chatId", 30 * least(1, unread / 5)
        + 35 * (1 - exp(-greatest(0, if("waitingSince" > 0, $now - "waitingSince", 0)) / 43200))
        + 20 * greatest(0, (0.5 - "recentSentiment") / 0.5)
        + 15 * (rank() over (order by spend) - 1) / count(*) over (), unread from fans""",
)
# The sales of conversations, by the last one of the chat that began no later.
_SOLD: Final = """with own as (select conversation, "chatId", "fanId", "startDate", "endDate",
        "startDate" < $end as now from talks where "startDate" >= $start and "startDate" < $end + 172800
        and "fanMessages" > 0),
    sales as (select "chatId", date, amount from outcomes
        where date >= $start and date < $end + 172800 and type in ('tip', 'purchase')),
    followed as (select own.conversation, sales.amount from sales asof join own
        on sales."chatId" = own."chatId" and sales.date >= own."startDate"
        where own.now and sales.date <= own."endDate" + 86400),
    sold as (select own.conversation, any_value("fanId") as fan, count(amount) as sales,
        sum(amount) as paid from own left join followed on own.conversation = followed.conversation
        where own.now and "endDate" + 86400 <= $now group by own.conversation)
    """
_BY: Final = """, rates as (select {0}, count(*) as n, count(*) filter (sales > 0) as hits,
        count(distinct fan) as fans from sold join (select distinct conversation, {0} from {1}
        where "startDate" >= $start and "startDate" < $end) as linked
        on sold.conversation = linked.conversation group by {0}),
    paid as (select {0}, count(*) as sales, sum(amount) as total, median(amount) filter (amount > 0) as mid
        from followed join sold on followed.conversation = sold.conversation
        join (select distinct conversation, {0} from {1} where "startDate" >= $start
        and "startDate" < $end) as linked on sold.conversation = linked.conversation group by {0})
    select * from rates left join paid using ({0})"""
_PPV: Final = f"""select {{0}}, count(*), count("unlockedAt"), sum(paid),
    median("unlockedAt" - "at"), count(distinct conversation)
    from offers where {_IN} group by all"""
_PERIODS: Final = (_IN, '"startDate" >= $before and "startDate" < $start')
_DATES: Final = ("date >= $start and date < $end", "date >= $before and date < $start")
_WEEK: Final = "({0} + 259200) % 604800 // 3600"
_MONTH: Final = "date_trunc('month', make_timestamp({0}::bigint * 1000000))"
_COHORTS: Final = f"""with joined as (select "chatId", {_MONTH.format('"joinDate"')} as cohort from fans
        where "joinDate" > 0 and "joinDate" < $end),
    acts as (select "chatId", {_MONTH.format('"firstFanDate"')} as month from talks where "firstFanDate" > 0
            and "firstFanDate" < $end
        union select "chatId", {_MONTH.format('"lastFanDate"')} from talks where "lastFanDate" > 0
            and "lastFanDate" < $end
        union select "chatId", {_MONTH.format("date")} from outcomes
            where type <> 'drop_off' and date < $end),
    active as (select cohort, month, count(distinct "chatId") as n from joined join acts using ("chatId")
        where month >= cohort group by cohort, month),
    paid as (select cohort, {_MONTH.format("date")} as month, sum(amount) as revenue
        from joined join outcomes using ("chatId") where type <> 'drop_off' and date < $end
        group by cohort, month)
    select * from active left join paid using (cohort, month)
        where cohort >= {_MONTH.format("$start")}"""
_FANS: Final = """with said as (select "chatId", max("lastFanDate") as wrote,
        count(*) filter ("startDate" >= $start and "startDate" < $end) as conversations,
        sum("sentimentSum") filter ("startDate" >= $start) / sum("sentimentCount")
            filter ("startDate" >= $start) as mood,
        sum("sentimentSum") filter ("startDate" >= $before and "startDate" < $start) / sum("sentimentCount")
            filter ("startDate" >= $before and "startDate" < $start) as before
        from talks where "startDate" < $end group by "chatId"),
    paid as (select "chatId", max(date) as last, sum(amount) as lifetime,
        sum(amount) filter (date >= $start) as value from outcomes
        where date < $end and type in ('tip', 'purchase') group by "chatId")
    select *, greatest(wrote, last) as seen from fans left join said using ("chatId")
        left join paid using ("chatId") order by value desc nulls last limit 100"""
SQL: Final[Mapping[str, Sequence[str]]] = {
    "full": _FULL,
    "topics": (_TALKS, _TOPICS),
    "sentiment-trend": (_TREND, f'select sum("sentimentSum") / sum("sentimentCount") from talks where {_IN}'),
    "response-time": (_TALKS, _TIMES),
    "conversion": (
        _SOLD + "select count(*), count(*) filter (sales > 0), sum(sales), sum(paid) from sold",
        _SOLD + _BY.format("topic", "topics"),
        _SOLD + _BY.format("type", "actions"),
        _SOLD + _BY.format("type, topic", "targets"),
    ),
    "ppv": (
        *(
            _PPV.format(by)
            for by in (
                "1",
                '"isMass"',
                "case when price < 5 then 0 when price < 10 then 1 when price < 20 then 2 when price < 50"
                " then 3 when price < 100 then 4 else 5 end",
                "media",
                "sender",
            )
        ),
        f"select kind, sender, count(*) from said where {_IN} and kind <> 'fan' group by all",
    ),
    "people": tuple(
        query
        for period, dates in zip(_PERIODS, _DATES, strict=True)
        for query in (
            f"select kind, sender, count(*) from said where {period} and kind <> 'fan' group by all",
            f"""select sender, count(*), median(seconds), quantile_disc(seconds, 0.9),
                count(*) filter (seconds <= 300) from answers where {period} group by rollup (sender)""",
            f"""select sender, count(*), count("unlockedAt"), sum(paid)
                from offers where {period} group by sender""",
            f"""select sender, count(*), sum(amount) from outcomes where {dates}
                and type in ('tip', 'purchase') group by sender""",
        )
    ),
    "cohorts": (_COHORTS,),
    "fans": (_FANS,),
    "heatmap": tuple(
        query
        for period, dates in zip(_PERIODS, _DATES, strict=True)
        for query in (
            f"""select {_WEEK.format('"at"')}, count(*) from said where {period} and kind = 'fan'
                group by all""",
            f"""select {_WEEK.format('"askedAt"')}, count(*), median(seconds) from answers where {period}
                group by all""",
            f"select median(seconds) from answers where {period}",
            f"""select {_WEEK.format("date")}, count(*) filter (type in ('tip', 'purchase')), sum(amount)
                from outcomes where {dates} group by all""",
        )
    ),
}


def _about(start: datetime, end: datetime) -> tuple[Period, About]:
    return Period(Window(start, end)), About(CREATOR, USER)


INSIGHTS: Final[Mapping[str, Answer]] = {
    "full": lambda graph, start, end: build_analytics_update(USER, start, end, CREATOR, graph=graph, now=NOW),
    "topics": lambda graph, start, end: fetch_topic_metrics(start, end, CREATOR, graph=graph, user_id=USER),
    "sentiment-trend": lambda graph, start, end: fetch_sentiment_trend(
        start, end, CREATOR, graph=graph, user_id=USER
    ),
    "response-time": lambda graph, start, end: fetch_response_time_metrics(
        start, end, CREATOR, graph=graph, user_id=USER
    ),
    "conversion": lambda graph, start, end: fetch_conversion(
        start, end, CREATOR, graph=graph, user_id=USER, as_of=NOW, attribution=24.0
    ),
    "ppv": lambda graph, start, end: fetch_ppv(start, end, CREATOR, graph=graph, user_id=USER, as_of=NOW),
    "people": lambda graph, start, end: fetch_people(
        *_about(start, end), graph=graph, as_of=NOW, terms=TERMS
    ),
    "heatmap": lambda graph, start, end: fetch_heatmap(*_about(start, end), graph=graph, as_of=NOW),
    "cohorts": lambda graph, start, end: fetch_cohorts(
        start, end, CREATOR, graph=graph, user_id=USER, as_of=NOW
    ),
    "fans": lambda graph, start, end: fetch_fans(
        start,
        end,
        CREATOR,
        graph=graph,
        user_id=USER,
        as_of=NOW,
        fits=FITS,
        horizon_days=30,
        asked=Asked(),
    ),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of an insight, median: as it is computed, given again, and in SQL."""

    insight: str
    days: int
    cold: float
    repeated: float
    sql: float
    sql_repeated: float


async def _costs(owner: _Owner, sql: _Sql) -> list[Cost]:
    graph = KeptGraph(_NoGraph(), owner)
    found: list[Cost] = []
    for days in WINDOWS:
        for insight, answer in INSIGHTS.items():
            cold: list[float] = []
            repeated: list[float] = []
            asked: list[float] = []
            for run in range(RUNS):
                # Another second of the window each time: nobody has asked this before.
                end = NOW + timedelta(seconds=days * 100 + run)
                start = end - timedelta(days=days)
                question = (insight, start, end)

                async def written(
                    answer: Answer = answer, start: datetime = start, end: datetime = end
                ) -> bytes:
                    return to_json(await answer(graph, start, end))

                for seconds in (cold, repeated):
                    began = time.perf_counter()
                    await graph.repeated([PK], question, written)
                    seconds.append(1000 * (time.perf_counter() - began))
                began = time.perf_counter()
                sql.ask(insight, start, end)
                asked.append(1000 * (time.perf_counter() - began))
            found.append(
                Cost(
                    insight,
                    days,
                    percentile(cold, 50),
                    percentile(repeated, 50),
                    percentile(asked, 50),
                    min(asked),
                )
            )
    return found


class _NoGraph:
    """Nothing is asked of it here."""

    async def submit(self, script: str, bindings: Mapping[str, Any]) -> list[Any]:
        raise AssertionError("The graph was asked.")

    async def apply(self, mutations: Sequence[Any]) -> None:
        raise AssertionError("The graph was written.")

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


def _change(owner: _Owner) -> float:
    """Milliseconds until a conversation that changed is taken in, median."""
    seconds = []
    for node in conversations(CHANGES, days=1, seed=9):
        began = time.perf_counter()
        owner.columns_.follow(OrderedDict({node.id: Put.of(node, PK)}), {})
        seconds.append(time.perf_counter() - began)
    return 1000 * percentile(seconds, 50)


def _measured(size: int) -> tuple[list[Cost], float, float]:
    """What insights cost, then milliseconds of a change, and MiB."""
    owner = _Owner(size)
    memory = owner.columns_.nbytes / 2**20
    costs = asyncio.run(_costs(owner, _Sql(owner.columns_)))
    return costs, _change(owner), memory


def measure() -> list[Figure]:
    """Insights by window against DuckDB, the slowest of them, a change, and the memory."""
    _, short, _ = _measured(SHORT)
    costs, long, memory = _measured(LONG)
    found: list[Figure] = []
    for days in WINDOWS:
        own = [each for each in costs if each.days == days]
        name = f"Insights of {LONG:,} conversations, {days} days"
        slowest = max(own, key=lambda each: each.cold / each.sql)
        found += [
            Figure(f"{name}, all", _sum(own, "cold"), "ms", "DuckDB", _sum(own, "sql")),
            Figure(f"{name}, {slowest.insight}", slowest.cold, "ms", "DuckDB", slowest.sql),
            Figure(f"{name}, all, again", _sum(own, "repeated"), "ms", "DuckDB", _sum(own, "sql_repeated")),
        ]
    found.append(Figure(f"A change among {LONG:,} conversations, columns", long, "ms", f"{SHORT:,}", short))
    found.append(Figure(f"Columns of {LONG:,} conversations, memory", memory, "MiB", "goal", MEMORY_GOAL))
    return found


def _sum(costs: Sequence[Cost], name: str) -> float:
    return float(sum(getattr(each, name) for each in costs))


def main() -> int:
    for size in (SHORT, LONG):
        costs, change, memory = _measured(size)
        rows = [
            figure
            for each in costs
            for figure in (
                Figure(f"{each.insight}, {each.days} days", each.cold, "ms", "DuckDB", each.sql),
                Figure(
                    f"{each.insight}, {each.days} days, again",
                    each.repeated,
                    "ms",
                    "DuckDB",
                    each.sql_repeated,
                ),
            )
        ]
        print(
            f"\n{size:,} conversations, {memory:.1f} MiB, a change {change:.2f} ms\n\n{table(rows)}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
