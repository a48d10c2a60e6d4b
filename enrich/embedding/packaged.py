"""The packaged MiniLM from its wheel's files, for a processor.

By way of sentence-transformers the same takes five seconds instead of two and 600 MB more: it imports most of
`transformers`, and compilers of PyTorch that are not used here.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file
from tokenizers import Tokenizer

from enrich.embedding.bert import Bert, PackedModel
from enrich.embedding.model import MAX_TOKENS, Texts


def packaged(folder: Path) -> PackedModel:
    config = json.loads((folder / "config.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()

    def tokens(texts: Sequence[str]) -> Texts:
        return [each.ids for each in tokenizer.encode_batch(list(texts))]

    weights = load_file(folder / "model.safetensors")
    return PackedModel(
        Bert(weights, config["num_attention_heads"], config["layer_norm_eps"]), tokens, MAX_TOKENS
    )
