"""Heads retrained with corrections, looked at and taken back, by the commands themselves on a small model."""

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from chats.message import Direction
from enrich.embedding import installed
from enrich.embedding.embed import PACKAGED, encode, model_name
from enrich.embedding.heads import heads_of
from enrich.sentiment import score
from local.commands import DIFFERS, FAILED, WELL
from tests.training.conftest import forget_heads
from training import corrections
from training.corrections import main

WORDS = """
about again after always apple baker before bridge candle corner dinner early evening family garden
gentle hammer hotel island jacket kettle ladder later letter market minute monday morning mother
music never number office orange paper pencil people pepper picture pocket quiet rabbit ribbon river
saddle second silver simple summer sunday table ticket tunnel velvet village window winter yellow
"""
WRONG = ("zorpish", "flimmery")  # what people of this installation say of what they dislike, and like
# What a training chooses by cross-validation, which takes most of its time: one choice of each.
CHOSEN: dict[str, Any] = {
    "training.actions._WEIGHTS": (0.3,),
    "training.actions._CORRECTED": (1.0,),
    "training.sentiment._CORRECTED": (1.0,),
}
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fewer_chats")]


def rows(count: int, label: str) -> list[dict[str, Any]]:
    """Corrections of texts of which no two are alike, with words that only here have a meaning."""
    dice = random.Random(label)
    found = []
    for n in range(count):
        text = " ".join([*dice.sample(WORDS.split(), 3), *[WRONG[n % 2]] * 2])
        right: Any = [0.1, 0.9][n % 2] if label == "sentiment" else [["complaint"], []][n % 2]
        said: Any = 0.5 if label == "sentiment" else []
        found.append({"label": label, "text": text, "direction": "fan", "said": said, "corrected": right})
    return found


def written(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class Retrained:
    """What `train` was given, and what became of it."""

    def __init__(self, folder: Path, model: Path, *, chosen: dict[str, Any]) -> None:
        self.labels = written(folder / "labels.jsonl", [*rows(160, "sentiment"), *rows(160, "action")])
        self.heads, self.model, self._chosen = folder / "heads", model, chosen

    def train(self, *more: str, labels: Path | None = None) -> int:
        given = [str(labels or self.labels), "--heads", str(self.heads), "--model", str(self.model)]
        with pytest.MonkeyPatch.context() as patch:
            for name, values in self._chosen.items():
                patch.setattr(name, values)
            return main(["train", *given, "--without-tweets", *more])


@pytest.fixture(scope="module")
def retrained(
    fewer_chats: None, small_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Retrained]:
    """One that is in use after `train`."""
    made = Retrained(tmp_path_factory.mktemp("installation"), small_model, chosen=CHOSEN)
    assert made.train("--force") == WELL
    yield made
    forget_heads()


def test_what_was_corrected_is_told_rightly_of_texts_that_were_not_learnt(tmp_path: Path) -> None:
    """All of a training, with the packaged model, whose layers say more than those of one by chance."""
    made = Retrained(tmp_path, Path(PACKAGED), chosen={})
    assert made.train("--force") == WELL
    url, model = str(made.heads), PACKAGED
    report = json.loads(installed.content(installed.current(url), corrections.REPORT) or b"")
    figures = {(each["of"], each["measure"]): each for each in report["figures"]}
    felt = figures["held-out corrections of sentiment", "right"]
    assert felt["n"] >= 15
    assert felt["after"] > 0.8 > 0.3 > felt["before"]
    shown = figures["held-out corrections of actions", "micro F1"]
    assert shown["after"] > 0.7 > 0.3 > shown["before"]
    packaged = [each for (of, _), each in figures.items() if of.startswith("packaged")]
    assert len(packaged) == 3
    assert all(each["after"] > each["before"] - 0.03 for each in packaged)
    version = installed.current(url)
    said = ["that was zorpish zorpish today", "that was flimmery flimmery today"]
    writers: list[Direction] = ["fan", "fan"]
    low, high = score.sentiment(said, writers, encode(said, model, version).logits, model, version)
    assert low is not None
    assert high is not None
    assert low < 0.4 < 0.6 < high
    forget_heads()


def test_a_version_says_what_it_was_made_of_and_holds_no_text(retrained: Retrained) -> None:
    url = str(retrained.heads)
    told = installed.version_of(url, installed.current_name(url)).told
    assert told["embedding"] == model_name(str(retrained.model))
    assert told["corrections"] == 318  # two of the texts are taken for another language
    assert told["retrained"] == ["sentiment", "actions"]
    everything = b"".join(path.read_bytes() for path in retrained.heads.rglob("*") if path.is_file())
    known = heads_of().terms  # by the packaged chats
    own = [word for word in (*WRONG, *WORDS.split()) if word not in known]
    assert {*WRONG, "velvet"} <= set(own)
    assert not set(own) & set(re.findall(r"[a-z]+", everything.decode()))  # "pineapple" holds "apple"


def test_the_report_can_be_read_again(retrained: Retrained, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--heads", str(retrained.heads)]) == WELL
    said = capsys.readouterr().out
    assert f"* {installed.current_name(str(retrained.heads))}" in said
    assert "held-out corrections of sentiment" in said
    assert "packaged chats, actions" in said


def test_what_makes_the_packaged_chats_worse_is_refused_and_nothing_is_changed(
    retrained: Retrained, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = str(retrained.heads)
    before = installed.current_name(url), installed.names(url)
    monkeypatch.setattr(corrections, "MARGIN", -1.0)  # better by 1 is asked for
    only = written(tmp_path / "sentiment.jsonl", rows(160, "sentiment"))
    assert retrained.train(labels=only) == DIFFERS
    assert "Refused" in capsys.readouterr().out
    assert (installed.current_name(url), installed.names(url)) == before


def test_one_command_takes_a_retraining_back_and_heads_without_corrections_are_kept(
    retrained: Retrained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = str(retrained.heads)
    first = installed.current(url)
    only = written(tmp_path / "sentiment.jsonl", [*rows(150, "sentiment"), *rows(10, "action")])
    assert retrained.train("--force", labels=only) == WELL
    assert "actions: " in capsys.readouterr().err
    second = installed.current(url)
    assert second != first
    assert installed.content(second, "actions.json") == installed.content(first, "actions.json")
    assert installed.content(second, "sentiment.json") != installed.content(first, "sentiment.json")
    assert main(["rollback", "--heads", url]) == WELL
    assert installed.current(url) == first
    assert main(["rollback", "--heads", url]) == WELL
    assert installed.current(url) == ""
    assert main(["rollback", "--heads", url]) == FAILED
    assert "none before" in capsys.readouterr().err
    assert main(["rollback", "--heads", url, "--to", second.rpartition("/")[2]]) == WELL
    assert installed.current(url) == second
    assert main(["rollback", "--heads", url, "--to", "none"]) == WELL
    assert main(["rollback", "--heads", url, "--to", "0009-no-such"]) == FAILED
    assert installed.current(url) == ""
    installed.use(url, first.rpartition("/")[2])


def test_too_few_corrections_are_refused_with_how_many_are_needed(
    retrained: Retrained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = written(tmp_path / "few.jsonl", [*rows(20, "sentiment"), *rows(20, "action")])
    assert retrained.train(labels=few) == FAILED
    assert "at least 40 and 15 are needed" in capsys.readouterr().err


def test_a_file_that_is_wrong_is_refused_by_the_line_and_without_its_text(
    retrained: Retrained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = written(
        tmp_path / "wrong.jsonl", [*rows(1, "sentiment"), {**rows(1, "sentiment")[0], "corrected": 7}]
    )
    assert retrained.train(labels=wrong) == FAILED
    said = capsys.readouterr().err
    assert "wrong.jsonl, line 2: corrected" in said
    assert not any(word in said for word in WRONG)
    assert retrained.train(labels=tmp_path / "none.jsonl") == FAILED


def test_a_version_that_came_into_use_meanwhile_stays(
    retrained: Retrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = str(retrained.heads)
    before = installed.current_name(url)
    real = installed.write

    def write(to: str, *what: Any) -> installed.Version:
        made = real(to, *what)
        if to == url:
            installed.use(url, "")
        return made

    monkeypatch.setattr(installed, "write", write)
    only = written(tmp_path / "sentiment.jsonl", rows(160, "sentiment"))
    assert retrained.train("--force", labels=only) == FAILED
    assert "meanwhile" in capsys.readouterr().err
    assert installed.current_name(url) == ""
    installed.use(url, before)


def test_without_a_folder_it_is_said_what_is_missing(
    retrained: Retrained, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADS", raising=False)
    assert main(["report"]) == FAILED
    assert "--heads" in capsys.readouterr().err
