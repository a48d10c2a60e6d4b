"""How well the engagement actions of the labelled messages are found: each message with all its actions.

Micro figures count every action of every message once; those of the text alone leave out what follows from
fields and is right by definition.
"""

from collections import Counter
from collections.abc import Sequence

from bench.quality.score import Score
from bench.quality.truth import ACTIONS, chats, spoken_in
from enrich.actions.head import found as found_by_head
from enrich.actions.seen import seen
from enrich.embedding.embed import encode

DATA = "labelled messages"
OF_FIELDS = frozenset(
    ("photo", "video", "voice", "gif", "ppv_offer", "free_media", "tip", "mass_message", "re_engagement")
)


def measure() -> list[Score]:
    right, found, true = Counter[str](), Counter[str](), Counter[str]()
    labelled = chats()
    spoken, before = spoken_in(labelled)
    texts, writers = [each.text for each in spoken], [each.direction for each in spoken]
    by_head = found_by_head(texts, writers, encode(texts).logits, before=before)
    likely = {message.id: its for message, its in zip(spoken, by_head, strict=True)}
    for chat in labelled:
        previous_at: float | None = None
        for message in chat.messages:
            its = likely.get(message.id, {})
            said = {each.type for each in seen(message.as_message(), previous_at, its) if not each.is_doubted}
            found.update(said)
            true.update(message.actions)
            right.update(said.intersection(message.actions))
            previous_at = message.at
    return [
        *_micro("all", ACTIONS, right, found, true),
        *_micro("of text", [each for each in ACTIONS if each not in OF_FIELDS], right, found, true),
        *(
            Score(
                "actions",
                f"{DATA}: {action}",
                "F1",
                f1(right[action], found[action], true[action]),
                true[action],
                beside(right[action], found[action], true[action]),
            )
            for action in ACTIONS
        ),
    ]


def f1(right: int, found: int, true: int) -> float:
    return 2 * right / (found + true) if found + true else 0.0


def beside(right: int, found: int, true: int) -> str:
    return f"precision {_share(right, found)} recall {_share(right, true)}"


def _micro(
    which: str, actions: Sequence[str], right: Counter[str], found: Counter[str], true: Counter[str]
) -> list[Score]:
    sums = [sum(counts[action] for action in actions) for counts in (right, found, true)]
    return [
        Score("actions", f"{DATA}: {which}", "micro precision", sums[0] / sums[1], sums[1]),
        Score("actions", f"{DATA}: {which}", "micro recall", sums[0] / sums[2], sums[2]),
        Score("actions", f"{DATA}: {which}", "micro F1", f1(*sums), sums[2], beside(*sums)),
    ]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"
