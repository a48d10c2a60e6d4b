"""A transformer run in batches that are padded to one length, its products kept to given row counts."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch.nn import Linear, Module

from enrich.embedding.model import Texts
from enrich.embedding.product import plain
from enrich.embedding.rows import RowCounts, Weight

PADDING = 8  # tokens: texts are padded to a multiple of it


def unmap(module: Module) -> None:
    """Have the products' weights in memory of their own: a mapped file's are anywhere, which kernels mind."""
    for layer in linears(module):
        layer.weight.data = layer.weight.data.clone()


def linears(module: Module) -> list[Linear]:
    return [each for each in module.modules() if type(each) is Linear]


def weights_of(module: Module) -> list[Weight]:
    return [(each.weight, each.bias) for each in linears(module)]


def keep_to(module: Module, counts: RowCounts) -> None:
    """From now on the module's products are made of these row counts only."""
    for layer in linears(module):
        product = plain(layer.weight, layer.bias)
        layer.forward = partial(counts.linear, product=product)  # type: ignore[method-assign]


def padded(tokenizer: Any, texts: Texts, device: torch.device) -> dict[str, torch.Tensor]:
    """Token ids [n, length] and their attention mask, for texts of one padded length."""
    length = -(-max(map(len, texts)) // PADDING) * PADDING
    found = tokenizer.pad(
        {"input_ids": list(texts)}, padding="max_length", max_length=length, return_tensors="pt"
    )
    return {name: tensor.to(device) for name, tensor in found.items()}


def tokens(tokenizer: Any, texts: Sequence[str], most: int) -> Texts:
    """At most so many of each text."""
    ids: Texts = tokenizer(list(texts), truncation=True, max_length=most)["input_ids"]
    return ids
