"""The installation's own heads: versions that are what was written, and one of them in use."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from enrich.actions import head as action_head
from enrich.embedding import heads as heads_module
from enrich.embedding import installed
from enrich.embedding.embed import PACKAGED, embed, encode, encoder, model_name, normalise
from enrich.embedding.head_file import dumps, loads
from enrich.embedding.heads import head_of, heads_of, path_of
from enrich.embedding.installed import (
    Installed,
    content,
    current,
    current_name,
    names,
    use,
    version_of,
    write,
)
from enrich.sentiment import score
from errors import EnrichmentError

TEXTS = ["hey there", "you never write back", "how much for a custom video?", "love it ❤️"]


def turned(strategy: Any) -> bytes:
    """The packaged head with all of its weights negated."""
    head = loads(path_of(strategy, PACKAGED).read_bytes())
    for each in head["outputs"].values():
        for kind in ("weights", "of_terms"):
            each[kind] = [-weight for weight in each[kind]]
    return dumps(head)


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where versions are kept: a folder, or another storage that fsspec knows."""
    return str(tmp_path / "heads") if request.param == "folder" else f"memory://{tmp_path.name}/heads"


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    for cached in (
        heads_module.head_of,
        heads_module.heads_of,
        score.readers,
        action_head._outputs,
        content,
    ):
        cached.cache_clear()


def test_what_is_written_is_read_and_in_use_only_when_that_is_said(url: str) -> None:
    assert (current(url), names(url)) == ("", [])
    first = write(url, "", {"sentiment.json": b"one"}, {"embedding": "m"})
    assert current(url) == ""
    use(url, first.name)
    assert content(current(url), "sentiment.json") == b"one"
    assert content(current(url), "actions.json") is None
    second = write(url, first.name, {"sentiment.json": b"one"}, {"embedding": "m"})
    assert names(url) == [first.name, second.name]
    assert version_of(url, second.name).parent == first.name
    assert version_of(url, second.name).told["embedding"] == "m"
    use(url, second.name)
    assert current_name(url) == second.name
    use(url, "")
    assert current(url) == ""


@pytest.mark.parametrize("file", ["sentiment.json", "manifest.json"])
@pytest.mark.parametrize("change", ["other", "gone"])
def test_a_version_that_was_changed_is_refused_with_its_mend(tmp_path: Path, file: str, change: str) -> None:
    url = str(tmp_path)
    made = write(url, "", {"sentiment.json": turned("sentiment")}, {})
    use(url, made.name)
    path = tmp_path / "versions" / made.name / file
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(EnrichmentError, match=r"rollback --heads") as caught:
        encode(["hey"], PACKAGED, current(url))
    assert made.name in str(caught.value)


@pytest.mark.parametrize("named", ["", "[]", "{}", '{"version": 3}'])
def test_a_damaged_pointer_is_refused(tmp_path: Path, named: str) -> None:
    (tmp_path / "current.json").write_text(named)
    with pytest.raises(EnrichmentError, match=r"HEADS=.*current\.json"):
        current(str(tmp_path))


def test_a_version_is_read_by_its_own_heads_and_the_models_where_it_has_none(url: str) -> None:
    use(url, write(url, "", {"sentiment.json": turned("sentiment")}, {}).name)
    version = current(url)
    by_model, by_version = encode(TEXTS), encode(TEXTS, PACKAGED, version)
    assert np.array_equal(by_model.vectors, by_version.vectors)
    columns = heads_of().columns
    own, biases = columns["sentiment"], heads_of().biases[columns["sentiment"]]
    assert np.allclose(by_version.logits[:, own] - biases, biases - by_model.logits[:, own], atol=1e-4)
    assert np.array_equal(by_version.logits[:, columns["actions"]], by_model.logits[:, columns["actions"]])
    assert np.array_equal(encode(TEXTS).logits, by_model.logits)  # also from the cache
    assert score.name(PACKAGED, version) != score.name()
    assert action_head.name(PACKAGED, version) == action_head.name()
    writers: list[Any] = ["fan"] * len(TEXTS)
    said = score.sentiment(TEXTS, writers, by_version.logits, PACKAGED, version)
    assert said != score.sentiment(TEXTS, writers, by_model.logits)


def test_versions_that_read_the_same_layers_share_the_loaded_model(url: str) -> None:
    use(url, write(url, "", {"actions.json": turned("actions")}, {}).name)
    before = encoder(PACKAGED)
    encode(["a text that is new to both of them"], PACKAGED, current(url))
    embed(["another one that is new to both"])
    assert encoder(PACKAGED) is before


def test_heads_of_other_layers_have_the_model_loaded_for_them(url: str) -> None:
    head = loads(path_of("sentiment", PACKAGED).read_bytes())
    for each in head["outputs"].values():
        each["weights"] = each["weights"][:384]
    own = {"sentiment.json": dumps({**head, "layers": [6]})}
    actions = loads(path_of("actions", PACKAGED).read_bytes())
    for each in actions["outputs"].values():
        each["weights"] = each["weights"][-384:]
    own["actions.json"] = dumps({**actions, "layers": [6]})
    use(url, write(url, "", own, {}).name)
    found = encode(TEXTS, PACKAGED, current(url))
    heads = heads_of(PACKAGED, current(url))
    wanted = found.vectors @ heads.weights.T + heads.biases + heads.by_terms([*map(normalise, TEXTS)])
    assert np.allclose(found.logits, wanted, atol=1e-3)
    assert np.array_equal(embed(["a text nobody knows"]), encode(["a text nobody knows"]).vectors)
    assert np.array_equal(encode(TEXTS).vectors, found.vectors)


def test_heads_of_one_strategy_that_read_other_layers_than_the_models_are_refused(url: str) -> None:
    head = loads(path_of("sentiment", PACKAGED).read_bytes())
    for each in head["outputs"].values():
        each["weights"] = each["weights"][:384]
    use(url, write(url, "", {"sentiment.json": dumps({**head, "layers": [6]})}, {}).name)
    with pytest.raises(EnrichmentError, match="rollback"):
        heads_of(PACKAGED, current(url))


def test_heads_that_were_trained_for_another_model_are_refused(url: str) -> None:
    head = json.loads(turned("sentiment"))
    other = json.dumps({**head, "embedding": "another model 1.0"}).encode()
    use(url, write(url, "", {"sentiment.json": other}, {}).name)
    with pytest.raises(EnrichmentError, match="another model") as caught:
        head_of("sentiment", PACKAGED, current(url))
    assert model_name() in str(caught.value)


async def test_what_is_in_use_is_looked_up_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    url = str(tmp_path)
    own = Installed(url)
    assert await own.version() == ""
    made = write(url, "", {}, {})
    use(url, made.name)
    assert await own.version() == ""
    now[0] += installed.HOLD + 1
    assert (await own.version()).endswith(made.name)


async def test_while_the_storage_is_away_what_was_in_use_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    url = str(tmp_path)
    made = write(url, "", {}, {})
    use(url, made.name)
    own = Installed(url)
    known = await own.version()
    (tmp_path / "current.json").write_text("")
    now[0] += installed.HOLD + 1
    assert await own.version() == known
    assert "stay as they are" in caplog.text
    with pytest.raises(EnrichmentError, match="HEADS="):
        await Installed(url).version()


async def test_without_a_folder_the_models_own_heads_are_in_use() -> None:
    assert await Installed("").version() == ""
