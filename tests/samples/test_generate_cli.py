import sys
from pathlib import Path

import orjson
import pytest

from samples.generate import main
from wire.incoming import parse_messages, parse_snapshot


def test_command_writes_payloads_and_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = "2026-03-01T18:20:00+00:00"
    monkeypatch.setattr(
        sys, "argv", ["generate", "--seed", "3", "--days", "20", "--now", now, "--out", str(tmp_path)]
    )
    main()
    folders = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(folders) == 2
    for folder in folders:
        assert parse_snapshot((folder / "snapshot.json").read_bytes()).messages
        assert parse_messages((folder / "deltas.json").read_bytes())
    truth = orjson.loads((tmp_path / "truth.json").read_bytes())
    assert {each["creator_id"] for each in truth} == {folder.name for folder in folders}
    fans = orjson.loads((tmp_path / "fans.json").read_bytes())
    assert {(each["creator_id"], each["chat_id"]) for each in fans} == {
        (each["creator_id"], each["chat_id"]) for each in truth
    }
