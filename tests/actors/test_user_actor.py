"""What the user actor says when its session ends."""

import os
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.user_actor import UserActor


class _Ended(BaseException):
    """In place of the end of the process."""


async def test_what_ends_an_owner_is_logged_without_what_its_error_quotes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said = "secret words of a chat"

    async def fails() -> None:
        raise ValueError(said)

    async def at_once(_: float) -> None: ...

    def end(_: int) -> None:
        raise _Ended

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr("asyncio.sleep", at_once)
    actor: Any = object.__new__(UserActor)
    actor._user_id, actor._session = "u1", SimpleNamespace(run=fails)
    with pytest.raises(_Ended):
        await cast(UserActor, actor)._run()
    assert "u1" in caplog.text
    assert "ValueError" in caplog.text
    assert "in fails" in caplog.text
    assert said not in caplog.text
