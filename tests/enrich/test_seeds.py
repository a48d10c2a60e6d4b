"""Two runs say the same, to the bit, whatever order their sets and dictionaries have."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import PATIENCE, ROOT

_SCRIPT = """
import hashlib
from datetime import UTC, datetime
import msgspec
from chats.conversation import cut
from enrich.analyse import analyse, assign
from enrich.outcomes import contexts
from enrich.topics.model import fit
from samples.generate import generate
from wire.incoming import CacheUpdatePayload
from wire.normalise import normalise_snapshot

creator = generate(seed=5, now=datetime(2026, 3, 1, tzinfo=UTC), days=20).creators[0]
payload = CacheUpdatePayload(**creator.snapshot)
read = normalise_snapshot(payload, creator_id="c", received_at=1.8e9, max_text=10_000)
chats = {}
for message in read.messages:
    chats.setdefault(message.chat_id, []).append(message)
conversations = [each for own in chats.values() for each in cut(own, gap=21600, silence=300)]
known = {chat.id: chat for chat in read.chats}
analysis = analyse(conversations, contexts(conversations, known))
model = fit("c", analysis.documents())
again = fit("c", analysis.documents(), model)
found = assign(analysis, again)
assert len(found) > 50
print(hashlib.sha256(msgspec.json.encode(found) + model.to_bytes() + again.to_bytes()).hexdigest())
"""


def run(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_two_runs_say_the_same() -> None:
    with ThreadPoolExecutor() as runs:
        one, other = runs.map(run, ("1", "2"))
    assert len(one.strip()) == 64
    assert one == other
