"""An owner that encrypts: what it leaves in Redis and in files, who can read it, and for how long."""

import asyncio
import hashlib
import shutil
import uuid
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgpack
import orjson
import pytest
from redis.asyncio import Redis

from access.versions import add_version, drop_version
from chats.corrections import Correction, Subject
from encryption.data_keys import DataKeys
from encryption.envelope import is_encrypted
from encryption.keyring import Keyring
from encryption.master import SETTING, MasterKeyFile
from errors import CheckpointUnavailable, KeyUnavailable, Undecryptable
from frames.log import end, missed, newest
from frames.publisher import Publisher
from history.checkpoints import Checkpoints
from session.clock import SystemClock
from session.erased import ErasedInRedis
from session.held import HeldStore
from session.journal import Journal
from session.lag import LagInRedis
from session.ports import Ports
from session.session import Session
from session.understood import Understood
from settings import Settings
from tests.encryption.places import key_files, keyring_in, master_file, other_file
from tests.history.store import Store
from tests.service.talk import chat, message, recent
from tests.session.ports import SEAL, FakeEnricher, FakeGraph

CREATOR, OTHER = "901", "902"
WITHIN = 60.0  # seconds
ALL = {"text", "live", "name", "handle", "held"}
FAN = 41


class Canaries:
    """Words that nothing else has: of a text, a live text, a name, a handle, and of what is held."""

    def __init__(self) -> None:
        self.text, self.live, self.name, self.handle, self.held = (f"c{uuid.uuid4().hex}" for _ in range(5))

    def within(self, data: bytes) -> set[str]:
        """The names of those that are in it."""
        return {name for name, word in vars(self).items() if word.encode() in data}


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@asynccontextmanager
async def running(redis: Redis, user_id: str, folder: Path, keys: Keyring) -> AsyncIterator[Session]:
    """The user's owner on real stores; what it understands is made up, and the graph takes everything."""
    graph = FakeGraph()
    ports = Ports(
        journal=Journal(redis, user_id, keys),
        understood=Understood(redis, user_id, keys),
        held=HeldStore(redis, user_id, keys),
        erased=ErasedInRedis(redis, user_id),
        seal=lambda: SEAL,
        publisher=lambda lost: Publisher(redis, user_id, lost, keys=keys),
        checkpoints=lambda epoch: Checkpoints(str(folder / "checkpoints"), user_id, epoch, keys),
        enricher=FakeEnricher(),
        writer=lambda _: graph,
        reader=graph,
        lag=LagInRedis(redis, user_id),
        clock=SystemClock(),
        keys=keys,
    )
    session = Session(user_id, Settings(), ports)
    task = asyncio.create_task(session.run())
    try:
        yield session
    finally:
        async with asyncio.timeout(WITHIN):
            await session.idle(0.05)
            await end(task)


@asynccontextmanager
async def owner(redis: Redis, user_id: str, folder: Path, keys: Keyring) -> AsyncIterator[Session]:
    """The same, once it has read what there is."""
    async with running(redis, user_id, folder, keys) as session:
        async with asyncio.timeout(WITHIN):
            await session.owner._ready.wait()
        yield session


async def talk(session: Session, canaries: Canaries, creator: str = CREATOR) -> None:
    """A snapshot, something that is held, and a live message, all understood."""
    told = chat(FAN, name=canaries.name)
    told["withUser"]["username"] = canaries.handle
    said = message(f"{creator}1", FAN, recent(90), f"{canaries.text} said")
    await session.handle_snapshot(orjson.dumps({"chats": [told], "messages": [said]}), creator)
    aside = {"id": f"{creator}3", "fromUser": {"id": FAN}, "text": canaries.held, "createdAt": "never"}
    live = message(f"{creator}2", FAN, recent(1), f"{canaries.live} now")
    await session.handle_deltas(
        [(orjson.dumps({"message": each}), None, None) for each in (aside, live)], creator
    )
    await session.idle(0.05)


async def texts(session: Session, creator: str = CREATOR) -> str:
    found = await session.get_cached_messages(creator_id=creator)
    chats = await session.get_cached_chats(creator_id=creator)
    return orjson.dumps([found, chats, (await session.get_held(100, 0))["held"]]).decode()


async def in_redis(redis: Any, canaries: Canaries) -> set[str]:
    """The kinds of keys in which canaries are, also where a value is compressed."""
    found: set[str] = set()
    async for key in redis.scan_iter(count=1_000):
        for piece in [key, *await _pieces(redis, key)]:
            if canaries.within(_opened(piece)):
                found.add(key.decode().split(":")[0])
    return found


async def _pieces(redis: Any, key: bytes) -> list[bytes]:
    match await redis.type(key):
        case b"hash":
            return [piece for pair in (await redis.hgetall(key)).items() for piece in pair]
        case b"stream":
            return [piece for _, fields in await redis.xrange(key) for piece in fields.values()]
    return []


def _opened(piece: bytes) -> bytes:
    try:
        return zlib.decompress(piece)
    except zlib.error:
        return piece


def in_files(folder: Path, canaries: Canaries) -> set[str]:
    return {file.name for file in folder.rglob("*") if file.is_file() and canaries.within(file.read_bytes())}


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").rglob("*.checkpoint"))


async def test_nothing_that_was_said_is_readable_in_redis_or_in_files(
    redis: Redis, store: Store, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    keys = await keyring_in(tmp_path, user_id)
    async with owner(redis, user_id, tmp_path, keys) as session:
        await talk(session, canaries)
        assert canaries.within((await texts(session)).encode()) == ALL
        assert await in_redis(redis, canaries) == set()
        await session.leave(WITHIN)
        assert await in_redis(redis, canaries) == set()
    assert in_files(tmp_path, canaries) == set()
    assert in_files(store._folder, canaries) == set()
    assert checkpoints(tmp_path)
    for file in checkpoints(tmp_path):
        assert b"sender" not in file.read_bytes()
        assert file.read_bytes().startswith(b"creator analytics checkpoint 5\n")
    assert len(key_files(tmp_path)) == 1
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        assert canaries.within((await texts(session)).encode()) == ALL


async def test_what_a_person_corrected_is_readable_neither_and_the_next_owner_reads_it(
    redis: Redis, store: Store, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        await talk(session, canaries)
        name = f"{canaries.text} of topics"
        said = Correction("k", 0.0, "person:ann", Subject("topic", "fitness"), "name", None, name)
        told = await session.correct(CREATOR, said)
        assert await in_redis(redis, canaries) == set()
        await session.leave(WITHIN)
        assert in_files(tmp_path, canaries) == set()
    newest = checkpoints(tmp_path)[-1].read_bytes()
    assert newest.startswith(b"creator analytics checkpoint 7\n")
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        assert (await session.get_corrections(CREATOR, 10, 0))["corrections"] == [told]


async def test_without_encryption_the_same_words_are_found(
    redis: Redis, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    """So that the test before can fail."""
    async with owner(redis, user_id, tmp_path, Keyring(user_id)) as session:
        await talk(session, canaries)
        assert await in_redis(redis, canaries) >= {"journal", "frames"}
        await session.leave(WITHIN)
        assert "held" in await in_redis(redis, canaries)


async def test_an_owner_that_was_killed_is_followed_by_one_that_reads_its_journal(
    redis: Redis, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        await talk(session, canaries)
    assert not checkpoints(tmp_path)
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        assert canaries.within((await texts(session)).encode()) == ALL
        again = message(f"{CREATOR}2", FAN, recent(1), f"{canaries.live} now")
        receipt = await session.handle_delta(orjson.dumps({"message": again}), CREATOR)
        assert receipt["held"] == 0


async def test_pages_that_come_back_are_told_what_they_missed(
    redis: Redis, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    keys = await keyring_in(tmp_path, user_id)
    async with owner(redis, user_id, tmp_path, keys) as session:
        await talk(session, canaries)
        position = session.owner.parts.frames.position
        live = message("9", FAN, recent(0), f"{canaries.text} again")
        await session.handle_delta(orjson.dumps({"message": live}), CREATOR)
        await session.idle(0.05)
    page = Keyring(user_id, keys._keys)
    told = await missed(redis, user_id, position, page)
    assert told
    assert any(canaries.within(frame) for frame in told)
    states = [orjson.loads(each)["type"] for each in await newest(redis, user_id, CREATOR, page)]
    assert states == ["system_status", "analytics_update"]
    # Who lacks the keys takes a full sync.
    assert await missed(redis, user_id, position) is None
    assert len(await newest(redis, user_id, CREATOR, Keyring(user_id))) == 1


@pytest.mark.parametrize("checkpointed", [False, True])
async def test_a_wrong_or_missing_key_is_said_and_nothing_is_changed(
    redis: Redis, user_id: str, tmp_path: Path, canaries: Canaries, checkpointed: bool
) -> None:
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        await talk(session, canaries)
        if checkpointed:
            await session.leave(WITHIN)
    before = await _everything(redis, tmp_path)
    wrong = DataKeys(str(tmp_path / "keys"), MasterKeyFile(other_file(tmp_path)))
    lost = DataKeys(str(tmp_path / "elsewhere"), MasterKeyFile(master_file(tmp_path)))
    for keys in (Keyring(user_id, wrong, encrypts=True), Keyring(user_id, lost, encrypts=True)):
        async with running(redis, user_id, tmp_path, keys) as session:
            with pytest.raises((KeyUnavailable, CheckpointUnavailable), match=r"(put|restore) (that|the) f"):
                await _called(session)
    assert await _everything(redis, tmp_path) == before
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        assert canaries.text in await texts(session)


async def _called(session: Session) -> None:
    """Call once it is known why nothing can be read."""
    async with asyncio.timeout(WITHIN):
        while session.owner._problem is None:  # noqa: ASYNC110 (nobody tells it)
            await asyncio.sleep(0.01)
    await session.get_cached_chats()


async def _everything(redis: Any, folder: Path) -> tuple[dict[str, bytes], dict[bytes, bytes]]:
    """All files, and all keys of Redis but the owner's epoch, which an owner that waits claims."""
    files = {file.name: file.read_bytes() for file in [*key_files(folder), *checkpoints(folder)]}
    keys = [key for key in await redis.keys("*") if not key.startswith(b"owner:")]
    return files, {key: await redis.dump(key) for key in keys}


async def test_turned_on_it_encrypts_what_comes_and_the_next_checkpoints_all_else(
    redis: Redis, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    async with owner(redis, user_id, tmp_path, Keyring(user_id)) as session:
        await talk(session, canaries)
        await session.leave(WITHIN)
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        assert canaries.within((await texts(session)).encode()) == ALL
        await session.leave(WITHIN)
    assert await in_redis(redis, canaries) - {"frames", "state"} == set()
    assert len(checkpoints(tmp_path)) == 2
    for file in checkpoints(tmp_path):
        assert file.read_bytes().startswith(b"creator analytics checkpoint 5\n")


async def test_turned_off_it_reads_what_is_encrypted_and_writes_it_in_the_clear(
    redis: Redis, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        await talk(session, canaries)
        await session.leave(WITHIN)
    off = await keyring_in(tmp_path, user_id, encrypts=False)
    async with owner(redis, user_id, tmp_path, off) as session:
        await session.leave(WITHIN)
    async with owner(redis, user_id, tmp_path, Keyring(user_id)) as session:  # no key is needed any more
        assert canaries.within((await texts(session)).encode()) == ALL


async def test_an_erased_accounts_backup_cannot_be_read_and_the_other_accounts_can(
    redis: Any, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    stays = Canaries()
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        await talk(session, canaries)
        await talk(session, stays, OTHER)
        await session.leave(WITHIN)
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        live = message("77", FAN, recent(0), canaries.live)  # in the journal alone
        await session.handle_delta(orjson.dumps({"message": live}), CREATOR)
        await session.idle(0.05)
        backup = {key: await redis.dump(key) for key in await redis.keys("*")}
        shutil.copytree(tmp_path / "checkpoints", tmp_path / "backup")
        await session.erase("r1", CREATOR, None, WITHIN)
        assert (await session.get_receipt("r1"))["completed_at"]
        assert stays.within((await texts(session, OTHER)).encode()) == ALL

    await redis.flushall()
    for key, value in backup.items():
        await redis.restore(key, 0, value)
    shutil.rmtree(tmp_path / "checkpoints")
    shutil.move(tmp_path / "backup", tmp_path / "checkpoints")
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        assert stays.within((await texts(session, OTHER)).encode()) == ALL
        assert canaries.within((await texts(session, CREATOR)).encode()) == set()
        assert await session.get_cached_chats(creator_id=CREATOR) == []
        await talk(session, canaries)  # with a new key
        assert canaries.text in await texts(session)


async def test_an_erased_fan_leaves_the_accounts_key(
    redis: Any, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    keys = await keyring_in(tmp_path, user_id)
    async with owner(redis, user_id, tmp_path, keys) as session:
        await talk(session, canaries)
        await session.handle_delta(orjson.dumps({"message": message("88", 42, recent(0), "hi")}), CREATOR)
        before = key_files(tmp_path)
        await session.erase("r1", CREATOR, str(FAN), WITHIN)
        assert canaries.within((await texts(session)).encode()) == set()
        assert key_files(tmp_path) == before


async def test_all_keys_of_an_erased_user_are_destroyed(
    redis: Any, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        await talk(session, canaries)
        await talk(session, Canaries(), OTHER)
        made = {file.name.split(".")[0] for file in key_files(tmp_path)}
        await session.erase("r1", None, None, WITHIN)
        assert (await session.get_receipt("r1"))["completed_at"]
    assert len(made) == 2
    left = {file.name for file in key_files(tmp_path)}
    assert {f"{id}.destroyed" for id in made} <= left
    assert not any(name.endswith(".key") and name.split(".")[0] in made for name in left)


async def test_a_master_key_is_rotated_and_retired_while_an_owner_works(
    redis: Any, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    file = master_file(tmp_path)
    keys = await keyring_in(tmp_path, user_id)
    async with owner(redis, user_id, tmp_path, keys) as session:
        await talk(session, canaries)
        [old] = MasterKeyFile(file).versions()
        before = list(await redis.xrange(f"journal:{user_id}"))
        add_version(file, SETTING)
        assert keys._keys is not None
        assert keys._keys.rewrap() == 1
        drop_version(file, SETTING, old)
        await talk(session, canaries, OTHER)  # its key is wrapped by the new one
        assert (await redis.xrange(f"journal:{user_id}"))[: len(before)] == before  # not encrypted anew
        await session.leave(WITHIN)
    async with owner(redis, user_id, tmp_path, await keyring_in(tmp_path, user_id)) as session:
        for creator in (CREATOR, OTHER):
            assert canaries.within((await texts(session, creator)).encode()) == ALL


@pytest.mark.parametrize("tampering", ["moved", "another account", "another user", "changed", "cut", "time"])
async def test_a_record_of_the_journal_is_refused_where_it_was_not_written(
    redis: Any, user_id: str, tmp_path: Path, tampering: str
) -> None:
    keys = await keyring_in(tmp_path, user_id)
    journal = Journal(redis, user_id, keys)
    await journal.claim()
    one, other = (message(n, FAN, recent(n), f"message {n}") for n in (1, 2))
    await journal.append_snapshot(CREATOR, 1.0, [], [orjson.dumps(one)])
    await journal.append_snapshot(OTHER, 2.0, [], [orjson.dumps(other)])
    stream = f"journal:{user_id}"
    entries = await redis.xrange(stream)
    assert all(is_encrypted(fields[b"body"]) for _, fields in entries)
    (_, first), (_, second) = entries[0], entries[2]
    match tampering:
        case "moved":
            first[b"body"] = entries[1][1][b"body"]
        case "another account":
            first[b"creator"] = OTHER.encode()
        case "another user":
            stream = f"journal:{user_id}2"
            keys = await keyring_in(tmp_path, f"{user_id}2")
            await redis.copy(f"owner:{user_id}", f"owner:{user_id}2")
        case "changed":
            first[b"body"] = first[b"body"][:-1] + bytes([first[b"body"][-1] ^ 1])
        case "cut":
            first[b"body"] = first[b"body"][:-1]
        case "time":
            second[b"at"] = b"9.0"
    await redis.delete(stream)
    for id, fields in entries:
        await redis.xadd(stream, fields, id)
    with pytest.raises((Undecryptable, KeyUnavailable)):
        _ = [each async for each in Journal(redis, stream.removeprefix("journal:"), keys).read()]


async def test_a_part_of_a_checkpoint_is_refused_in_another_file_or_place(
    redis: Redis, user_id: str, tmp_path: Path, canaries: Canaries
) -> None:
    keys = await keyring_in(tmp_path, user_id)
    async with owner(redis, user_id, tmp_path, keys) as session:
        await talk(session, canaries)
        await talk(session, canaries, OTHER)
        await session.leave(WITHIN)
    url = str(tmp_path / "checkpoints")
    found = Checkpoints(url, user_id, 9, keys).read()
    assert found is not None
    [file] = checkpoints(tmp_path)
    content = file.read_bytes()
    before = {file: content}
    for n, changed in enumerate(_tampered(content)):
        file.write_bytes(changed)
        with pytest.raises(CheckpointUnavailable, match=r"cannot be (decrypted|read)"):
            Checkpoints(url, user_id, 9, keys).read()
        assert file.read_bytes() == changed, n
    file.write_bytes(content)
    assert Checkpoints(url, user_id, 9, keys).read() == found
    assert {file: file.read_bytes() for file in checkpoints(tmp_path)} == before


def _tampered(content: bytes) -> list[bytes]:
    """The file whole, but with its parts in another order, one changed, and one taken out."""

    line, _, body = content[:-32].partition(b"\n")
    values = msgpack.Unpacker()
    values.feed(body)
    head, *parts = list(values)
    assert len(parts) == head["chats"] == 2
    swapped = [{**parts[1], "creator_id": parts[0]["creator_id"]}, parts[1]]
    changed = [{**parts[0], "chats": parts[0]["chats"][:-1]}, parts[1]]
    renamed = {**head, "file": "0" * 32}
    lacking = {**head, "chats": 1}
    variants = [(head, parts[::-1]), (head, swapped), (head, changed), (renamed, parts), (lacking, parts[:1])]
    files: list[bytes] = []
    for front, rest in variants:
        whole = line + b"\n" + b"".join(map(msgpack.packb, [front, *rest]))
        files.append(whole + hashlib.blake2b(whole, digest_size=32).digest())
    return files
