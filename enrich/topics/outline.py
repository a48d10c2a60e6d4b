"""What is told of an account's topics beside the chats: who asks for it loads no library for vectors."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutlinedTopic:
    """`group` is the id of the topic that leads those it belongs with: its own where it leads, or is alone.

    `centroid` is packed as the vectors of messages are (`search.vectors`).
    """

    id: str
    label: str
    category: str | None
    keywords: tuple[str, ...]
    group: str
    centroid: bytes
