"""How well topics are found: on the samples against what they are about by design, and on real chats.

The real chats (`chitchat-dataset`, MIT) each began with a prompt that both saw. They soon wander, so
what stands for the truth is the prompt where a window names its subject: words that no other prompt has. The
rules of discovery were set on the other half of these chats.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from itertools import combinations
from random import Random
from statistics import mean

import numpy as np
import orjson
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

from bench.quality import topic_labels
from bench.quality.score import Score
from chats.conversation import Conversation, cut
from chats.message import Message, merged
from enrich.analyse import analyse, assign
from enrich.outcomes import contexts
from enrich.topics.model import Documents, TopicModel, fit
from enrich.topics.taxonomy import TAXONOMY
from samples.generate import generate
from samples.truth import Truth
from settings import Settings
from wire.incoming import CacheUpdatePayload
from wire.normalise import normalise_snapshot

SEEDS = (7, 11)  # of the samples; rules were looked at with 3 and 5
NOW = datetime(2026, 6, 1, tzinfo=UTC)
CHATS = 1_000  # real ones
MESSAGES = 24  # of each, from the beginning
REFITS = 5

# What was done in a conversation is spoken of in it, whatever it was to be about. A tip is not: its sentence
# is the platform's.
_SPOKEN_BY = {
    "price_inquiry": "pricing",
    "price_objection": "pricing",
    "ppv_offer": "pay_per_view",
    "custom_request": "custom_content",
    "complaint": "complaints",
    "churn_intent": "subscription",
    "mass_message": "pay_per_view",
}


def measure() -> list[Score]:
    """Agreement with the truth of samples and real chats, and of refits with each other."""
    real = real_chats(unseen=True)
    return [
        *_on_samples(),
        *_on_real_chats(real),
        *_stability(real),
        *topic_labels.measure(real.documents, real_chats(unseen=False).documents),
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    """A conversation of the samples: its truth, and the ids of its topics, the most discussed first."""

    truth: Truth
    topics: list[str]


def _on_samples() -> list[Score]:
    data = f"samples, seeds {SEEDS[0]} and {SEEDS[1]}"
    found = [each for seed in SEEDS for each in _sampled(seed)]
    single = [each for each in found if len(each.truth.topics) == 1 and each.truth.mood]
    gold = [each.truth.topics[0] for each in single]
    named = [each.topics[0] if each.topics else "" for each in single]
    seeded = {topic.id for topic in TAXONOMY}
    pairs = [(seeded.intersection(each.topics), set[str](each.truth.topics)) for each in found]
    done = [
        (ids, topics | {_SPOKEN_BY[act] for act in each.truth.actions if act in _SPOKEN_BY})
        for each, (ids, topics) in zip(found, pairs, strict=True)
    ]
    recall, precision = _micro(pairs)
    all_recall, all_precision = _micro(done)
    own = sum(len(set(each.topics) - seeded) for each in found)
    return [
        Score(
            "topics", data, "NMI, most discussed topic of one-topic conversations",
            normalized_mutual_info_score(gold, named), len(single),
            f"accuracy {mean(a == b for a, b in zip(gold, named, strict=True)):.2f}",
        ),
        Score("topics", data, "micro recall", recall, len(found), "all topics of a conversation"),
        Score("topics", data, "micro precision", precision, len(found), f"{own} discovered ones beside"),
        Score("topics", data, "micro recall, acts are talk", all_recall, len(found), "an offer is talk too"),
        Score("topics", data, "micro precision, acts are talk", all_precision, len(found), "the same"),
    ]  # fmt: skip


def _sampled(seed: int) -> Iterable[_Found]:
    samples = generate(seed=seed, now=NOW)
    # What is not English no model here reads, and what stands alone is no conversation.
    truth = {
        (each.creator_id, f"{each.chat_id}:{each.first_message_id}"): each
        for each in samples.truth
        if each.language == "en" and each.direct
    }
    settings = Settings()
    for creator in samples.creators:
        read = normalise_snapshot(
            CacheUpdatePayload.model_validate(creator.snapshot),
            creator_id=creator.creator_id,
            received_at=NOW.timestamp(),
            max_text=settings.max_text,
        )
        chats: dict[str, dict[str, Message]] = {}
        for message in read.messages:
            own = chats.setdefault(message.chat_id, {})
            own[message.id] = merged(own[message.id], message) if message.id in own else message
        conversations = [
            each
            for chat in chats.values()
            for each in cut(chat.values(), gap=settings.conversation_gap, silence=settings.silence_threshold)
        ]
        analysis = analyse(conversations, contexts(conversations, {each.id: each for each in read.chats}))
        nodes = assign(analysis, fit(creator.creator_id, analysis.documents()))
        for conversation, node in zip(conversations, nodes, strict=True):
            if known := truth.get((conversation.creator_id, conversation.id)):
                yield _Found(known, [topic.id for topic in node.topics])


def _micro(pairs: Sequence[tuple[set[str], set[str]]]) -> tuple[float, float]:
    """Recall and precision over all (found, truth)."""
    right = sum(len(found & truth) for found, truth in pairs)
    return right / sum(len(truth) for _, truth in pairs), right / sum(len(found) for found, _ in pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Real:
    documents: Documents
    prompts: list[str]  # of each window; empty where it does not name the prompt's subject


def _on_real_chats(real: Real) -> list[Score]:
    data = "real chats, unseen half"
    model = fit("creator", real.documents)
    assigned = nearest_topic(model, real.documents)
    rows = [row for row, prompt in enumerate(real.prompts) if prompt and real.documents.free[row]]
    gold = [real.prompts[row] for row in rows]
    found = [assigned[row] for row in rows]
    placed = [(a, b) for a, b in zip(gold, found, strict=True) if b >= 0]
    own = [row for row in np.flatnonzero(real.documents.free).tolist() if assigned[row] >= 0]
    return [
        Score(
            "topics", data, "NMI of discovered topics with prompts, windows that have one",
            normalized_mutual_info_score(*zip(*placed, strict=True)), len(placed),
            f"adjusted {adjusted_mutual_info_score(*zip(*placed, strict=True)):.2f}, "
            f"{model.discovered} topics, {len(set(gold))} prompts",
        ),
        Score(
            "topics", data, "the same, those without as one more group",
            normalized_mutual_info_score(gold, found), len(rows),
            f"adjusted {adjusted_mutual_info_score(gold, found):.2f}",
        ),
        Score(
            "topics", data, "share of windows without a seeded topic that have a discovered one",
            len(own) / int(real.documents.free.sum()), int(real.documents.free.sum()),
            f"without any topic {model.unplaced:.2f} of all messages",
        ),
    ]  # fmt: skip


def _stability(real: Real) -> list[Score]:
    """Refits of one creator as it grows, each in another order; and first fits on halves, each another."""
    data = f"real chats, {REFITS} fits"
    random = Random(0)
    chats = sorted({window.chat_id for window in real.documents.windows})
    random.shuffle(chats)
    grown: list[TopicModel] = [fit("creator", of_chats(real.documents, chats[: len(chats) // 3], random))]
    for part in range(1, REFITS):
        upto = len(chats) // 3 + part * (len(chats) - len(chats) // 3) // (REFITS - 1)
        grown.append(fit("creator", of_chats(real.documents, chats[:upto], random), grown[-1]))
    halves = [
        fit("creator", of_chats(real.documents, random.sample(chats, len(chats) // 2), random))
        for _ in range(REFITS)
    ]
    kept = [topic in later.topics for one, later in combinations(grown, 2) for topic in one.topics]
    topics = f"{grown[0].discovered} topics grew to {grown[-1].discovered}"
    windows = len(real.documents.windows)
    return [
        Score("topics", data, "NMI of growing refits' assignments", _agreement(grown, real), windows, topics),
        Score("topics", data, "share of topics a refit keeps", mean(kept), len(kept), "id, label, words"),
        Score(
            "topics", data, "NMI of assignments by fits on different halves",
            _agreement(halves, real), windows, "nothing known of each other",
        ),
    ]  # fmt: skip


def _agreement(models: Sequence[TopicModel], real: Real) -> float:
    """Mean NMI of each two models' assignments of all windows."""
    assigned = [nearest_topic(model, real.documents, seeded=True) for model in models]
    return float(np.mean([normalized_mutual_info_score(*each) for each in combinations(assigned, 2)]))


def nearest_topic(model: TopicModel, documents: Documents, *, seeded: bool = False) -> list[int]:
    """The place of each window's nearest topic, of the discovered ones unless `seeded` too; -1: none."""
    found = model.matches_in(documents.vectors, [each.conversation_id for each in documents.windows])
    near = np.where(found, model.similarity(documents.vectors), -1.0)
    if not seeded:
        near[:, : len(TAXONOMY)] = -1.0
    best = near.argmax(axis=1)
    return [int(topic) if row[topic] >= 0 else -1 for row, topic in zip(near, best, strict=True)]


def of_chats(documents: Documents, chats: Iterable[str], random: Random) -> Documents:
    """The documents of these chats, in a random order."""
    wanted = set(chats)
    rows = [row for row, window in enumerate(documents.windows) if window.chat_id in wanted]
    random.shuffle(rows)
    windows = [documents.windows[row] for row in rows]
    messages = sum(len(window.rows) for window in windows)  # all of these chats have text
    return Documents(windows, documents.vectors[rows], documents.free[rows], messages)


def real_chats(*, unseen: bool) -> Real:
    """The half of the real chats that nothing was developed on, or the other one."""
    chats = orjson.loads((files("chitchat_dataset") / "dataset.json").read_bytes())
    prompted = sorted(key for key, each in chats.items() if each.get("prompt") and _unseen(key) is unseen)[
        :CHATS
    ]
    prompts = {key: chats[key]["prompt"] for key in prompted}
    conversations = [_conversation(key, chats[key]["messages"]) for key in prompted]
    documents = analyse(conversations, contexts(conversations, {})).documents()
    return Real(documents, _subjects(documents, prompts))


def _unseen(chat_id: str) -> bool:
    return hashlib.blake2b(chat_id.encode(), digest_size=1).digest()[0] % 2 == 1


def _conversation(chat_id: str, turns: Iterable[Iterable[dict[str, str]]]) -> Conversation:
    """The first messages of a chat, the fan being who writes first."""
    said = [each for turn in turns for each in turn][:MESSAGES]
    messages = [
        Message(
            id=f"{chat_id}-{place}",
            creator_id="creator",
            chat_id=chat_id,
            fan_id=chat_id,
            direction="fan" if each["sender"] == said[0]["sender"] else "creator",
            at=NOW.timestamp() + 30 * place,
            text=each["text"],
        )
        for place, each in enumerate(said)
    ]
    (conversation,) = cut(messages, gap=6 * 3600, silence=300)
    return conversation


def _subjects(documents: Documents, prompts: dict[str, str]) -> list[str]:
    """Each window's prompt, where the window names it and no other prompt as often; else nothing."""
    words = {prompt: _words(prompt) for prompt in sorted(set(prompts.values()))}
    shared = Counter(word for each in words.values() for word in each)
    own = {prompt: {word for word in each if shared[word] == 1} for prompt, each in words.items()}
    found = []
    for window in documents.windows:
        prompt, said = prompts[window.chat_id], _words(window.text)
        named = {each: len(subject & said) for each, subject in own.items()}
        most = [each for each, count in named.items() if count == max(named.values())]
        found.append(prompt if named[prompt] and most == [prompt] else "")
    return found


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z]{4,}", text.lower()) if word not in ENGLISH_STOP_WORDS}
