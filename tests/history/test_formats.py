"""What earlier releases kept is read, what a newer one kept is left alone.

`tests/data/checkpoints.tar.xz` holds one user's checkpoint of samples as the release of each format wrote it,
`format-3` to `format-7`, and in `expected.json` what was understood, by the writer of format 3. Formats 5
and 7 are encrypted by the keys in `keyring`, 6 and 7 have what is in `corrections.json`.
"""

import dataclasses
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given

from chats.enriched import EnrichedConversation
from errors import CheckpointUnavailable
from history import older
from history.checkpoints import CORRECTED, ENCRYPTED, VERSION, Checkpoints
from history.packing import Packed, unpack
from tests.conftest import ROOT
from tests.encryption.places import keyring_in
from tests.graph.strategies import conversation, conversations
from tests.history.test_checkpoints import checkpoint, files
from wire.enriched import conversation_node


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with tarfile.open(ROOT / "tests" / "data" / "checkpoints.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("version", [3, 4, 5, 6, 7])
async def test_checkpoints_of_every_format_say_what_was_understood(data: Path, version: int) -> None:
    keys = await keyring_in(data / "keyring", "sam")
    found = Checkpoints(str(data / f"format-{version}"), "sam", 1, keys).read()
    assert found is not None
    corrections = json.loads((data / "corrections.json").read_bytes()) if version >= 6 else {}
    assert json.loads(msgspec.json.encode(found.corrections)) == corrections
    assert (found.sequence, found.revision, found.unfinished, found.held) == (7, 42, [], {})
    assert found.fits == {"88123401": 0, "90514422": 0}
    said = [_said(key, packed, found.basis) for key, packed in found.chats]
    expected = json.loads((data / "expected.json").read_bytes())
    for node in [node for chat in expected for node in chat["nodes"]]:  # what came later is as by default
        node |= {"ppv_offers": [], "said": None}
        for topic in node["topics"]:
            topic["found_as"] = None
        node["figures"] |= {"said": [], "answers": [], "fan_first": None, "fan_last": None}
        for outcome in node["outcomes"]:
            outcome |= {"sent_at": None, "sender_id": None}
        for message in node["messages"].values():
            message |= {"language": None, "read_after": None}
    for chat in expected:
        chat["fan"] |= {"subscription_end": None, "said": None}
        for reading in chat["readings"].values():
            reading |= {"language": None, "after": None}
    assert said == expected


def test_what_was_read_of_an_older_format_is_written_in_the_present_one(data: Path, tmp_path: Path) -> None:
    before = Checkpoints(str(data / "format-3"), "sam", 1).read()
    assert before is not None
    Checkpoints(str(tmp_path), "sam", 1).write(before)
    [file] = files(tmp_path)
    assert file.read_bytes().startswith(b"creator analytics checkpoint %d\n" % VERSION)
    assert Checkpoints(str(tmp_path), "sam", 1).read() == before


def test_an_older_chat_has_every_message_with_its_version(data: Path) -> None:
    found = Checkpoints(str(data / "format-3"), "sam", 1).read()
    assert found is not None
    for _, packed in found.chats:
        messages = _opened(packed, found.basis).messages
        assert packed.versions() == {id: message.version for id, message in messages.items()}


def test_a_checkpoint_of_a_newer_format_is_refused_and_left_with_all_beside_it(tmp_path: Path) -> None:
    owner = Checkpoints(str(tmp_path), "u1", 1)
    owner.write(checkpoint(5))
    owner.write(checkpoint(8))
    newest = files(tmp_path)[-1]
    unknown = CORRECTED[ENCRYPTED] + 1
    _rewrite(newest, unknown, newest.read_bytes().partition(b"\n")[2][:-32])
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(CheckpointUnavailable, match=rf"{newest.name}.* format {unknown}"):
        owner.read()
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_a_whole_checkpoint_that_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    owner = Checkpoints(str(tmp_path), "u1", 1)
    owner.write(checkpoint(5))
    [file] = files(tmp_path)
    _rewrite(file, VERSION, msgpack.packb({"sequence": "five"}))
    before = file.read_bytes()
    with pytest.raises(CheckpointUnavailable, match="is whole and cannot be read"):
        owner.read()
    assert file.read_bytes() == before


def test_fields_that_a_newer_release_added_are_passed_over(tmp_path: Path) -> None:
    owner = Checkpoints(str(tmp_path), "u1", 1)
    written = checkpoint(5)
    owner.write(written)
    [file] = files(tmp_path)
    values = msgpack.Unpacker()
    values.feed(file.read_bytes().partition(b"\n")[2][:-32])
    head: dict[str, Any] = values.unpack()
    chats: list[dict[str, Any]] = [values.unpack() for _ in range(head["chats"])]
    for each in chats:
        each["packed"] |= {"added": [1]}
        each["packed"]["fan"] |= {"added": None}
    content = [msgpack.packb(each | {"added": "x"}) for each in (head, *chats)]
    _rewrite(file, VERSION, b"".join(content))
    assert owner.read() == written


@given(conversations())
def test_the_wires_json_that_was_kept_once_is_read(found: EnrichedConversation) -> None:
    """As behind the checkpoints of earlier releases."""
    figures = dataclasses.replace(found.figures, said=(), answers=(), fan_first=None, fan_last=None)
    then = msgspec.structs.replace(found, figures=figures, ppv_offers=())  # what came later
    assert older.conversation(conversation_node(found).model_dump_json()) == then


def test_json_from_before_messages_were_counted_apart_is_read() -> None:
    node = json.loads(conversation_node(conversation()).model_dump_json())
    before = {key: value for key, value in node.items() if key not in ("ppvOffers", "massMessages")}
    figures = older.conversation(json.dumps(before)).figures
    assert (figures.offers, figures.mass_messages, figures.mass_offers) == (0, 0, 1)


@given(conversations())
def test_what_is_kept_of_a_conversation_is_all_of_it(found: EnrichedConversation) -> None:
    kept = msgspec.msgpack.encode(found)
    assert msgspec.msgpack.decode(kept, type=EnrichedConversation) == found
    more = msgspec.msgpack.encode(msgpack.unpackb(kept) | {"added": 1})
    assert msgspec.msgpack.decode(more, type=EnrichedConversation) == found


def _opened(packed: Packed, basis: dict[str, Any]) -> Any:
    return unpack(packed, gap=basis["gap"], silence=basis["silence"])


def _said(key: tuple[str, str], packed: Packed, basis: dict[str, Any]) -> dict[str, Any]:
    cached = _opened(packed, basis)
    fan = cached.fan_state()
    assert dataclasses.replace(packed.fan, subscription_end=fan.subscription_end) == fan  # that came later
    nodes = [_all(node) | {"mean": node.sentiment} for node in cached.nodes.values()]
    return {
        "chat": list(key),
        "messages": len(cached.messages),
        "conversations": packed.conversations,
        "nodes": nodes,
        "readings": {id: dataclasses.asdict(reading) for id, reading in cached.kept.items()},
        "fan": dataclasses.asdict(packed.fan) | {"subscription_end": None},
    }


def _all(value: Any) -> Any:
    """As JSON has it, with what is as by default."""
    if isinstance(value, msgspec.Struct):
        return {name: _all(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {key: _all(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_all(each) for each in value]
    return json.loads(msgspec.json.encode(value))


def _rewrite(file: Path, version: int, values: bytes) -> None:
    """Put these values there, whole and of that version."""
    content = b"creator analytics checkpoint %d\n" % version + values
    file.write_bytes(content + hashlib.blake2b(content, digest_size=32).digest())
