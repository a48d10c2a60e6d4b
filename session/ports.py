"""What a session stands on: everything of it that is not its own. A test brings others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from encryption.keyring import Keyring
from frames.publisher import Publisher
from graph.port import Graph
from graph.write import Writer
from history.checkpoints import Checkpoints
from metrics.port import UNMEASURED, Metrics
from privacy.seal import Seal
from session.clock import Clock
from session.erased import Erased
from session.held import HeldStore
from session.indexes import WORDS_ALONE, Embeds
from session.journal import Journal
from session.lag import Lag
from session.understanding import Enriches
from session.understood import Understood


@dataclass(frozen=True, slots=True)
class Ports:
    """What a session stands on. `checkpoints` and `writer` are made for the owner's epoch.

    `search_folder` is where search indexes are; None: they are gone with the process.
    """

    journal: Journal
    understood: Understood
    held: HeldStore
    erased: Erased
    seal: Callable[[], Seal]  # of receipts
    publisher: Callable[[Callable[[], None]], Publisher]  # of what is called when frames are lost
    checkpoints: Callable[[int], Checkpoints]
    enricher: Enriches
    writer: Callable[[int], Writer]
    lag: Lag
    reader: Graph
    clock: Clock
    keys: Keyring  # of the user; what is stored is encrypted with them
    embedder: Embeds = WORDS_ALONE
    search_folder: Path | None = None
    metrics: Metrics = UNMEASURED
