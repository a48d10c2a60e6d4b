"""The installation's secret is rotated under a running service: nobody is signed out, nothing is let in."""

import asyncio
from pathlib import Path

from access.gate import TRUSTED
from access.rotation import SecretRotation
from tests.security.guarded import VICTIM, Guarded, grant
from tests.security.test_sessions import PASSWORD, csrf, sign_in

CHATS = f"/api/v1/chats?user_id={VICTIM}"


async def test_sessions_and_keys_live_through_a_rotation_and_the_retirement_after_it(
    api: Guarded, tmp_path: Path
) -> None:
    access = api.access
    await access.manager.add_person("test", "ann", PASSWORD, [grant("owner")])
    assert (await sign_in(api)).status_code == 204
    token = await csrf(api)
    key = await api.key(grant("owner"))
    lost = await api.key(grant("owner"))
    rotation = SecretRotation(tmp_path / "secret", access.manager, access.audit)

    async def lets_in(shown: str | None = None) -> int:
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        return (await api.ask("GET", CHATS, headers=headers)).status_code

    assert [await lets_in(), await lets_in(key)] == [200, 200]
    old = rotation.versions()[0].id
    await rotation.rotate("test")
    await asyncio.sleep(TRUSTED)
    assert [await lets_in(), await lets_in(key)] == [200, 200]
    assert await csrf(api) == token
    await rotation.retire("test", old, revoke_keys=True)
    await asyncio.sleep(TRUSTED)
    assert [await lets_in(), await lets_in(key), await lets_in(lost)] == [200, 200, 401]
    number, _, wrong = await access.audit.verify()
    assert wrong is None
    assert number > 5
