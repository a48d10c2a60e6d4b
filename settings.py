"""Every setting of the service, read from the environment in one place. `docs/settings.md` explains each."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from errors import SettingsError
from graph.cosmos_address import PREFIX, check_partition_key, parse

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)
MOST_WRITERS = 64
MOST_ATTRIBUTION_HOURS = 31 * 24.0
_OWN_PORTS = {"http": 80, "https": 443}  # a browser leaves them out


@dataclass(frozen=True, slots=True)
class Settings:
    """The service's settings. Times are seconds, sizes bytes. `Settings.from_env()` is the only reader."""

    host: str = field(default="127.0.0.1", metadata={"env": "HOST"})
    port: int = field(default=8000, metadata={"env": "PORT"})
    ray_dashboard_port: int = field(default=8265, metadata={"env": "RAY_DASHBOARD_PORT"})
    ray_address: str = field(default="", metadata={"env": "RAY_ADDRESS"})  # empty: start a Ray of our own
    data_dir: Path = field(default=Path("data"), metadata={"env": "DATA_DIR"})
    checkpoint_url: str = field(default="", metadata={"env": "CHECKPOINT_URL"})  # empty: a folder in data_dir
    checkpoint_messages: int = field(
        default=2000, metadata={"env": "CHECKPOINT_MESSAGES"}
    )  # taken in since a user's last checkpoint: then there is a new one
    redis_url: str = field(
        default="", metadata={"env": "REDIS_URL"}
    )  # empty: the embedded server, in data_dir
    graph_url: str = field(default="", metadata={"env": "GRAPH_URL"})  # empty: embedded, in data_dir
    graph_max_bindings: int = field(
        default=16, metadata={"env": "GRAPH_MAX_BINDINGS"}
    )  # of a TinkerPop server; 16 is its default
    cosmos_key: str = field(default="", repr=False, metadata={"env": "COSMOS_KEY"})
    cosmos_key_file: str = field(default="", metadata={"env": "COSMOS_KEY_FILE"})  # read by the graph writer
    cosmos_partition_key: str = field(default="pk", metadata={"env": "COSMOS_PARTITION_KEY"})
    cosmos_ru: float = field(
        default=0.0, metadata={"env": "COSMOS_RU"}
    )  # request units a second that the whole service may use; 0: no limit of ours
    model: str = field(
        default="minilm", metadata={"env": "MODEL"}
    )  # "minilm" (packaged) or a sentence-transformers folder
    conversation_gap: float = field(default=6 * 3600.0, metadata={"env": "CONVERSATION_GAP"})
    silence_threshold: float = field(default=300.0, metadata={"env": "SILENCE_THRESHOLD"})
    attribution_hours: float = field(
        default=24.0, metadata={"env": "ATTRIBUTION_HOURS"}
    )  # after a conversation, in which a sale still counts as following it
    max_body: int = field(
        default=256 * 1024 * 1024, metadata={"env": "MAX_BODY"}
    )  # of one HTTP body or socket frame
    max_text: int = field(default=100_000, metadata={"env": "MAX_TEXT"})  # characters of one message
    max_held: int = field(
        default=10_000, metadata={"env": "MAX_HELD"}
    )  # messages of one account that are kept aside; the oldest go
    max_waiting: int = field(
        default=200_000, metadata={"env": "MAX_WAITING"}
    )  # messages of one user that are accepted and not yet enriched
    graph_batch_size: int = field(default=50, metadata={"env": "GRAPH_BATCH_SIZE"})  # statements a request
    graph_batch_wait: float = field(
        default=0.005, metadata={"env": "GRAPH_BATCH_WAIT"}
    )  # the longest a mutation waits for company
    graph_writers: int = field(
        default=1, metadata={"env": "GRAPH_WRITERS"}
    )  # processes that write the graph; the embedded graph has one
    user_idle: float = field(default=600.0, metadata={"env": "USER_IDLE"})  # then the user's actor ends
    users_per_node: int = field(default=64, metadata={"env": "USERS_PER_NODE"})  # user actors at a time
    frontend_dir: str = field(default="", metadata={"env": "FRONTEND_DIR"})  # a built page; empty: none
    extension_id: str = field(default="", metadata={"env": "EXTENSION_ID"})  # told to that page
    cors_origins: str = field(default="", metadata={"env": "CORS_ORIGINS"})  # joined by commas
    log_level: str = field(default="INFO", metadata={"env": "LOG_LEVEL"})

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Read and check every setting; SettingsError names the variable and the mend."""
        values: dict[str, Any] = {}
        for each in fields(cls):
            name = each.metadata["env"]
            if text := env.get(name, "").strip():
                values[each.name] = _parse(name, text, each.type)
        settings = cls(**values)
        settings._check()
        return settings

    @property
    def checkpoints(self) -> str:
        """Where checkpoints are: a folder, or a URL that fsspec knows."""
        return self.checkpoint_url or str(self.data_dir.resolve() / "checkpoints")

    @property
    def _is_graph_embedded(self) -> bool:
        return not self.graph_url or self.graph_url.startswith("embedded:")

    @property
    def origins(self) -> frozenset[str]:
        """The origins of other pages that may call, as browsers send them; SettingsError when one is none."""
        given = (each.strip() for each in self.cors_origins.split(","))
        return frozenset(_origin(each) for each in given if each)

    def read_cosmos_key(self) -> str:
        """The key, from its file if it is in one; SettingsError when that cannot be read. Never log it."""
        if not self.cosmos_key_file:
            return self.cosmos_key
        try:
            key = Path(self.cosmos_key_file).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            raise SettingsError(
                f"COSMOS_KEY_FILE={self.cosmos_key_file}: cannot be read; name a text file with the key "
                "alone, on every node."
            ) from None
        if not key:
            raise SettingsError(f"COSMOS_KEY_FILE={self.cosmos_key_file}: is empty.")
        return key

    def env(self) -> dict[str, str]:
        """The same settings as environment variables, for the processes that this one starts."""
        return {each.metadata["env"]: str(getattr(self, each.name)) for each in fields(self)}

    def _check(self) -> None:
        if self.host not in ("127.0.0.1", "localhost"):
            raise SettingsError(
                f"HOST={self.host}: without authentication the service listens on this machine only; "
                "set HOST=127.0.0.1 and put an authenticating proxy in front to serve others."
            )
        for name, port in (("PORT", self.port), ("RAY_DASHBOARD_PORT", self.ray_dashboard_port)):
            if not 1 <= port <= 65535:
                raise SettingsError(f"{name}={port}: a port is a number from 1 to 65535.")
        above_zero = (
            "conversation_gap",
            "silence_threshold",
            "max_body",
            "max_text",
            "max_held",
            "max_waiting",
        )
        for each in (*above_zero, "graph_batch_size", "checkpoint_messages", "user_idle", "users_per_node"):
            if not getattr(self, each) > 0:  # NaN is not above 0 either
                raise SettingsError(f"{each.upper()}={getattr(self, each)}: must be above 0.")
        if not self.graph_batch_wait >= 0:
            raise SettingsError(f"GRAPH_BATCH_WAIT={self.graph_batch_wait}: must be 0 or more.")
        if not 0 <= self.attribution_hours <= MOST_ATTRIBUTION_HOURS:
            most = f"{MOST_ATTRIBUTION_HOURS:.0f}"
            raise SettingsError(f"ATTRIBUTION_HOURS={self.attribution_hours}: a number from 0 to {most}.")
        if not 1 <= self.graph_writers <= MOST_WRITERS:
            raise SettingsError(f"GRAPH_WRITERS={self.graph_writers}: a number from 1 to {MOST_WRITERS}.")
        if self.graph_writers > 1 and self._is_graph_embedded:
            raise SettingsError(
                f"GRAPH_WRITERS={self.graph_writers}: the embedded graph has one writer; leave it out, or "
                "set GRAPH_URL to a server."
            )
        if self.graph_max_bindings < 6:
            raise SettingsError(f"GRAPH_MAX_BINDINGS={self.graph_max_bindings}: at least 6 are needed.")
        if self.redis_url and not self.redis_url.startswith(("redis://", "rediss://", "unix://")):
            raise SettingsError("REDIS_URL: must start with redis://, rediss:// or unix://.")
        if self.graph_url and not self.graph_url.startswith(("embedded:", "ws://", "wss://", PREFIX)):
            raise SettingsError(
                "GRAPH_URL: must be embedded:PATH, a ws:// or wss:// address, or cosmos:wss://.."
            )
        self._check_cosmos()
        if self.frontend_dir and not os.path.isfile(Path(self.frontend_dir, "index.html")):
            raise SettingsError(
                f"FRONTEND_DIR={self.frontend_dir}: holds no index.html; build the page and name the folder "
                "that the build writes."
            )
        _ = self.origins  # refuses what is none

    def _check_cosmos(self) -> None:
        check_partition_key(self.cosmos_partition_key)
        if not (self.cosmos_ru == 0 or 1 <= self.cosmos_ru < float("inf")):
            raise SettingsError(f"COSMOS_RU={self.cosmos_ru}: must be 0 (no limit) or at least 1.")
        if self.cosmos_key and self.cosmos_key_file:
            raise SettingsError("COSMOS_KEY: COSMOS_KEY_FILE is set too; set one of them.")
        if self.graph_url.startswith(PREFIX):
            parse(self.graph_url)
            if not self.cosmos_key and not self.cosmos_key_file:
                raise SettingsError("COSMOS_KEY: a graph in Cosmos DB needs its key, or a COSMOS_KEY_FILE.")


def _parse(name: str, text: str, kind: Any) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise SettingsError(f"{name}={text}: must be a {kind.__name__} value.") from None


def _origin(text: str) -> str:
    if text == "*":
        raise SettingsError(
            "CORS_ORIGINS=*: without authentication any web page could then read every chat; "
            "name each origin, such as http://localhost:5173."
        )
    found = _ORIGIN.fullmatch(text.lower())
    port = int(found["port"] or 0) if found else 0
    if found is None or (found["port"] and not 1 <= port <= 65535):
        raise SettingsError(
            "CORS_ORIGINS: each must be scheme://host or scheme://host:port and nothing after it, "
            "such as http://localhost:5173."
        )
    own = port in (0, _OWN_PORTS.get(found["scheme"]))
    return f"{found['scheme']}://{found['host']}" + ("" if own else f":{port}")
