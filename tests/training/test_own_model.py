"""Heads for a model of a user's own: the training that the documents tell, on a small model."""

import subprocess
import sys
from pathlib import Path

import pytest

import training.sentiment
from chats.conversation import Conversation, cut
from chats.message import Direction, Message
from enrich.actions import head as action_head
from enrich.analyse import analyse, assign
from enrich.embedding.embed import PACKAGED, encode, model_name
from enrich.embedding.heads import head_of, heads_of, path_of
from enrich.outcomes import Context, contexts
from enrich.preceding import preceding
from enrich.sentiment import score
from tests.conftest import ROOT
from tests.training.conftest import forget_heads
from training.labelled import LABELS
from training.sentiment import HELD_OUT, Labelled


def some_tweets() -> list[Labelled]:
    """Those that are in this repository, in place of those that the package index has."""
    rows = (line.split("\t") for line in HELD_OUT.read_text("utf-8").splitlines())
    return [
        Labelled(text, each, float(rating), "tweets")
        for label, rating, text in rows
        for each in LABELS
        if each == label
    ]


@pytest.mark.slow
def test_a_model_of_a_users_own_gets_its_heads_by_two_commands(
    own_model: Path, fewer_chats: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command that runs in a process of its own reads all chats."""
    model = str(own_model)
    packaged = [path_of(strategy, PACKAGED).read_bytes() for strategy in ("sentiment", "actions")]
    said = ["i love this so much", "you ignored me again, i want a refund", "how much is it"]
    writers: list[Direction] = ["fan"] * 3
    lexicon_alone = score.sentiment(said, writers, encode(said, model).logits, model)
    assert (head_of("sentiment", model), head_of("actions", model)) == (None, None)

    command = [sys.executable, "-m", "training.actions", "--model", model]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert str(own_model / "heads" / "actions.json") in done.stdout
    monkeypatch.setattr(sys, "argv", ["training.sentiment", "--model", model])
    monkeypatch.setattr(training.sentiment, "download", lambda: b"")
    monkeypatch.setattr(training.sentiment, "seen_tweets", lambda _: some_tweets())
    training.sentiment.main()
    assert "sentiment.json" in capsys.readouterr().out
    forget_heads()

    assert packaged == [path_of(strategy, PACKAGED).read_bytes() for strategy in ("sentiment", "actions")]
    own = [head_of("sentiment", model), head_of("actions", model)]
    assert all(head is not None and head.layers == (1, 2) for head in own)
    assert all(head is not None and head.told["embedding"] == model_name(model) for head in own)
    assert heads_of(model).weights.shape[1] == 2 * 64
    conversations, around = conversation(said)
    before = preceding([conversations[0].messages], ["en"] * 3)
    by_head = score.sentiment(said, writers, encode(said, model).logits, model, before=before)
    assert by_head != lexicon_alone
    assert by_head != score.sentiment(said, writers, encode(said, model).logits, model)
    [node] = assign(analyse(conversations, around, model), None)
    assert node.models["sentiment"] == score.name(model) != score.name()
    assert node.models["action_head"] == action_head.name(model) != ""
    assert [node.messages[f"m{n}"].sentiment for n in range(3)] == by_head


def conversation(said: list[str]) -> tuple[list[Conversation], dict[str, Context]]:
    messages = [
        Message(id=f"m{n}", creator_id="c", chat_id="f", fan_id="f", direction="fan", at=1.7e9 + n, text=text)
        for n, text in enumerate(said)
    ]
    found = cut(messages, gap=21_600, silence=300)
    return found, contexts(found, {})
