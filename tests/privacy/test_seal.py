"""Receipts can be checked by who has the installation's secret, and by nobody else."""

import io
import stat
import sys
from pathlib import Path

import orjson
import pytest

from access.secret import Secret
from access.versions import BYTES
from errors import SettingsError
from privacy.__main__ import main
from privacy.seal import Seal, read_seal

FACTS = {"receipt": "r1", "removed": {"chats": 1, "messages": 2}, "left": []}


def test_a_receipt_is_valid_as_it_was_signed_and_in_no_other_form() -> None:
    seal = Seal(Secret(b"a" * BYTES))
    receipt = seal.signed(FACTS)
    assert seal.is_valid(receipt)
    assert seal.is_valid(dict(reversed(receipt.items())))
    assert not seal.is_valid({**receipt, "removed": {"chats": 0, "messages": 2}})
    assert not seal.is_valid(FACTS)
    for odd in ({"left": 2**70}, {"left": "\ud800"}, {"signature": "\ud800"}, {"signature": "é"}):
        assert not seal.is_valid({**receipt, **odd})
    assert not Seal(Secret(b"b" * BYTES)).is_valid(receipt)


def test_a_subject_is_told_only_by_who_has_the_secret() -> None:
    seal = Seal(Secret(b"a" * BYTES))
    assert seal.subject("u", "c", "41") == seal.subject("u", "c", "41")
    others = [seal.subject(*each) for each in (("u", "c", "42"), ("u", "c4", "1"), ("u", "c", None))]
    assert seal.subject("u", "c", "41") not in [*others, Seal(Secret(b"b" * BYTES)).subject("u", "c", "41")]


def test_the_first_who_needs_the_secret_makes_it_for_its_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret"
    receipt = read_seal(file).signed(FACTS)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_seal(file).is_valid(receipt)
    assert [each.name for each in file.parent.iterdir()] == ["secret"]


def test_a_secret_that_is_open_to_others_or_short_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("a" * 64)
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_seal(file)
    file.chmod(0o600)
    file.write_text("short")
    with pytest.raises(SettingsError, match="shorter"):
        read_seal(file)


def test_the_command_checks_a_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    file = tmp_path / "receipt.json"
    file.write_bytes(b"{}")
    assert main(["verify", str(file)]) == 1
    assert "is not there" in capsys.readouterr().err
    receipt = read_seal(tmp_path / "secret").signed(FACTS)
    file.write_bytes(orjson.dumps(receipt))
    assert main(["verify", str(file)]) == 0
    changed = orjson.dumps({**receipt, "left": ["redis_log"]})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(changed)))
    assert main(["verify", "-"]) == 1
    assert "was changed" in capsys.readouterr().out
