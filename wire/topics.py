"""What is told of an account's topics as such, whatever the window."""

from wire.payloads import Payload, TopicRef


class KnownTopic(TopicRef):
    """A topic of an account. `group` is the id of the one it is shown under; null: it stands alone."""

    category: str | None  # the seeded taxonomy's; null for a discovered topic
    keywords: list[str]
    group: str | None


class TopicGroup(Payload):
    """Topics that belong together; the label is the names of the two that are most typical of it."""

    id: str
    label: str


class KnownTopics(Payload):
    """All that an account can have, those of a group one after the other. Few topics have no groups."""

    topics: list[KnownTopic]
    groups: list[TopicGroup]
