"""How many conversations discussed which topic when. Pure; defined in docs/metrics.md."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from graph.traversals import ConversationRow, TopicLinkRow
from insights.metrics import Bucket, TopicText, bucket_start
from insights.window import parse_time_zone, time_zone_notes
from wire.payloads import TopicBucket, TopicsOverTime, TopicVolume


def topics_over_time(
    links: Iterable[TopicLinkRow], conversations: Sequence[ConversationRow], *, bucket: Bucket, time_zone: str
) -> TopicsOverTime:
    """How many of the fan conversations that start in each bucket discuss each topic; none is left out.

    InvalidInput names `bucket` or `time_zone` when it is unknown.
    """
    start_of, zone = bucket_start(bucket), parse_time_zone(time_zone)

    def date_of(second: int) -> str:
        return start_of(datetime.fromtimestamp(second, zone))

    held = Counter(date_of(row["startDate"]) for row in conversations)
    volumes: Counter[tuple[str, str, str]] = Counter()
    for link in links:
        text = TopicText.of(link)
        volumes[date_of(link["startDate"]), text.topic, text.id] += 1
    # A conversation written between the two reads can be among the links only.
    most = Counter(
        {date: volume for (date, _, _), volume in sorted(volumes.items(), key=lambda each: each[1])}
    )
    buckets = {date: max(held[date], most[date]) for date in sorted(held.keys() | most.keys())}
    return TopicsOverTime(
        buckets=[TopicBucket(date=date, conversations=count) for date, count in buckets.items()],
        topics=[
            TopicVolume(
                date=date, topic=topic, id=id, volume=volume, percentage_of_total=100 * volume / buckets[date]
            )
            for (date, topic, id), volume in sorted(
                volumes.items(), key=lambda each: (each[0][0], -each[1], each[0])
            )
        ],
        bucket=bucket,
        time_zone=zone.key,
        notes=time_zone_notes(time_zone),
    )
