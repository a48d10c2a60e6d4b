import logging
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import CheckpointUnavailable
from history.checkpoints import KEPT, Checkpoint, Checkpoints
from tests.actors.factories import HOUR, empty_cache, enrich_pending, message
from tests.corrected import of_message, of_topic

BASIS = {"rules": 1, "model": "minilm", "gap": 21600.0, "silence": 300.0}


def checkpoint(sequence: int, messages: int = 3) -> Checkpoint:
    cache = empty_cache()
    cache.merge([], [message(f"m{n}", n * HOUR, chat=f"f{n % 2}") for n in range(messages)])
    enrich_pending(cache)
    return Checkpoint(sequence, BASIS, {"c1": 3}, ["c1"], cache.packed())


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path, user_id: str) -> str:
    return str(tmp_path / "checkpoints") if request.param == "folder" else f"memory://{user_id}"


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.checkpoint"))


def test_there_is_none_for_a_user_that_never_had_one(url: str) -> None:
    assert Checkpoints(url, "u1", 1).read() is None


def test_what_was_corrected_is_in_a_file_that_releases_which_would_lose_it_refuse(tmp_path: Path) -> None:
    made = {"c1": [of_message("1", "sentiment", 1.0), of_topic("t", "name", "Walks", by="b")], "c2": []}
    written = replace(checkpoint(7), corrections=made)
    Checkpoints(str(tmp_path), "u1", 1).write(written)
    Checkpoints(str(tmp_path), "u2", 1).write(checkpoint(7))
    assert Checkpoints(str(tmp_path), "u1", 2).read() == written
    [corrected, plain] = [file.read_bytes().partition(b"\n")[0] for file in files(tmp_path)]
    assert (corrected[-1:], plain[-1:]) == (b"6", b"4")


def test_what_is_read_is_what_was_written(url: str) -> None:
    written = checkpoint(7)
    Checkpoints(url, "u1", 1).write(written)
    assert Checkpoints(url, "u1", 2).read() == written


def test_the_newest_is_read_and_two_are_kept(url: str) -> None:
    owner = Checkpoints(url, "u1", 1)
    # The journal may go up to the one before the newest: with that one it makes up for a broken newest.
    assert [owner.write(checkpoint(n)) for n in (5, 8, 8, 20)] == [0, 5, 8, 8]
    found = Checkpoints(url, "u1", 1).read()
    assert found is not None
    assert found.sequence == 20
    assert len(owner._names()) == KEPT


def test_a_later_owner_is_newer_at_the_same_place(url: str) -> None:
    Checkpoints(url, "u1", 9).write(checkpoint(5, messages=1))
    Checkpoints(url, "u1", 10).write(checkpoint(5, messages=2))
    assert Checkpoints(url, "u1", 11).read() == checkpoint(5, messages=2)


@pytest.mark.parametrize("user", ["..", ".", "a:b", "a@b", "a"])
def test_users_have_folders_of_their_own(tmp_path: Path, user: str) -> None:
    inside = tmp_path / "checkpoints"
    Checkpoints(str(inside), user, 1).write(checkpoint(1))
    Checkpoints(str(inside), "other", 1).write(checkpoint(2))
    found = Checkpoints(str(inside), user, 1).read()
    assert found is not None
    assert found.sequence == 1
    assert files(tmp_path) == files(inside)


@given(data=st.data())
def test_a_checkpoint_that_is_damaged_anywhere_is_passed_over_for_the_one_before(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    owner = Checkpoints(str(folder), "u1", 1)
    owner.write(checkpoint(5))
    owner.write(checkpoint(8))
    newest = files(folder)[-1]
    content = bytearray(newest.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[at:]
    else:
        content[at] ^= data.draw(st.integers(1, 255))
    newest.write_bytes(bytes(content))
    assert owner.read() == checkpoint(5)
    # It is not one of the two that are kept: the journal is trimmed behind one that can be read.
    assert owner.write(checkpoint(9)) == 5
    assert owner.read() == checkpoint(9)


def test_a_broken_checkpoint_is_reported_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    owner = Checkpoints(str(tmp_path), "u1", 1)
    owner.write(checkpoint(5))
    [file] = files(tmp_path)
    file.write_bytes(b"not a checkpoint")
    assert owner.read() is None
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert file.name in record.getMessage()


def test_what_was_not_written_to_the_end_is_not_there(tmp_path: Path) -> None:
    owner = Checkpoints(str(tmp_path), "u1", 1)
    owner.write(checkpoint(5))
    [file] = files(tmp_path)
    part = file.parent / f"{file.name.replace('5', '9', 1)}.part"
    part.write_bytes(file.read_bytes())
    assert owner.read() == checkpoint(5)
    owner.write(checkpoint(6))
    assert not part.exists()


def test_storage_that_is_away_is_an_error_to_be_retried(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where a folder should be")
    with pytest.raises(CheckpointUnavailable):
        Checkpoints(str(tmp_path / "checkpoints"), "u1", 1).write(checkpoint(1))


def test_a_kind_of_storage_that_is_not_installed_is_named() -> None:
    with pytest.raises(CheckpointUnavailable, match="CHECKPOINT_URL"):
        Checkpoints("nowhere://bucket", "u1", 1)


def test_memory_storage_is_really_used(user_id: str) -> None:
    Checkpoints(f"memory://{user_id}", "u1", 1).write(checkpoint(5))
    [found] = fsspec.filesystem("memory").ls(f"/{user_id}/user=u1", detail=False)
    assert found.endswith(".checkpoint")
