"""How many conversations discussed which topic when. Pure; defined in docs/metrics.md."""

from collections import Counter

import numpy as np

from insights.columns import Table, distinct
from insights.metrics import Bucket, buckets_of
from insights.row import topic_id
from insights.window import parse_time_zone, time_zone_notes
from wire.payloads import TopicBucket, TopicsOverTime, TopicVolume


def topics_over_time(links: Table, conversations: Table, *, bucket: Bucket, time_zone: str) -> TopicsOverTime:
    """How many of the fan conversations that start in each bucket discuss each topic; none is left out.

    `links` are of TOPIC_LINKS. InvalidInput names `bucket` or `time_zone` when it is unknown.
    """
    zone = parse_time_zone(time_zone)
    dates, which = buckets_of(conversations.numbers("startDate"), bucket, zone)
    held = Counter(dict(zip(dates, np.bincount(which, minlength=len(dates)).tolist(), strict=True)))
    dates, which = buckets_of(links.numbers("startDate"), bucket, zone)
    ids, labels = links.coded("id"), links.coded("topic")
    places, of_topic = distinct(which, ids.codes, labels.codes)
    shown = zip(ids.take(places).strings(), labels.take(places).strings(), strict=True)
    volumes: Counter[tuple[str, str, str]] = Counter()
    counts = np.bincount(of_topic, minlength=len(places)).tolist()
    for (id, label), date, count in zip(shown, which[places].tolist(), counts, strict=True):
        volumes[dates[date], label, topic_id(id)] += count
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
