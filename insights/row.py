"""What a row says; definitions in docs/metrics.md. Pure."""

from graph.model import local_id, topic_vertex
from graph.traversals import ConversationRow


def handling_seconds(row: ConversationRow) -> int | None:
    """From the first to the last direct message of a fan conversation; None when it has one alone."""
    return row["endDate"] - row["startDate"] if row["messageCount"] >= 2 else None


def silence_share(row: ConversationRow) -> float | None:
    """The silent part of a fan conversation in percent; None for one without duration."""
    duration = row["endDate"] - row["startDate"]
    # Whole-second dates can make the duration a fraction shorter than the gaps inside it.
    return min(100.0, 100 * row["silenceSeconds"] / duration) if duration > 0 else None


def topic_id(element_id: str) -> str:
    """The topic's own id, from that of its vertex in the store."""
    return local_id(element_id).removeprefix(topic_vertex(""))


def response_times(row: ConversationRow) -> list[float]:
    """Seconds until each fan run that began in the conversation was answered."""
    return read_times(row["responseSeconds"])


def read_times(text: str) -> list[float]:
    """The times of a text that `graph.rows.response_seconds` made."""
    return [float(each) for each in text.split(",")] if text else []
