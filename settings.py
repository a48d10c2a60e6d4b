"""Every setting of the service, read from the environment in one place. `docs/settings.md` explains each."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

from enrich.sentiment.labels import meanings_of
from errors import InvalidInput, SettingsError
from graph.cosmos_address import PREFIX, check_partition_key, parse
from insights.hours import FORM, WeeklyHours
from insights.window import parse_time_zone

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)
_FETCHED = re.compile(r"https://|http://(localhost|127\.0\.0\.1)[:/]")
_ALGORITHM = re.compile(r"(RS|PS|ES|HS)(256|384|512)")
MOST_SKEW = 300
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_LOOPBACK = frozenset(("127.0.0.1", "localhost"))
MOST_WRITERS = 64
MOST_ATTRIBUTION_HOURS = 31 * 24.0
MOST_TARGET = 31 * 86_400.0
MOST_DROP_OFF_DAYS = 365
_OWN_PORTS = {"http": 80, "https": 443}  # a browser leaves them out


@dataclass(frozen=True, slots=True)
class Settings:
    """The service's settings. Times are seconds, sizes bytes. `Settings.from_env()` is the only reader."""

    host: str = field(default="127.0.0.1", metadata={"env": "HOST"})
    auth: str = field(default="none", metadata={"env": "AUTH"})  # "none" or "required"
    auth_secret_file: str = field(
        default="", metadata={"env": "AUTH_SECRET_FILE"}
    )  # empty: a file in data_dir, made at the first start
    encryption: str = field(
        default="none", metadata={"env": "ENCRYPTION"}
    )  # "none" or "required": what is stored of accounts from now on
    encryption_key_file: str = field(
        default="", metadata={"env": "ENCRYPTION_KEY_FILE"}
    )  # the master keys; empty: nothing is encrypted, and nothing can be decrypted
    data_keys_url: str = field(
        default="", metadata={"env": "DATA_KEYS_URL"}
    )  # where accounts' keys are; empty: a folder in data_dir
    public_url: str = field(default="", metadata={"env": "PUBLIC_URL"})  # where browsers reach the service
    jwt_issuer: str = field(default="", metadata={"env": "JWT_ISSUER"})  # empty: no tokens are taken
    jwt_audience: str = field(default="", metadata={"env": "JWT_AUDIENCE"})
    jwt_algorithms: str = field(
        default="RS256,PS256,ES256", metadata={"env": "JWT_ALGORITHMS"}
    )  # joined by commas
    jwt_jwks_url: str = field(default="", metadata={"env": "JWT_JWKS_URL"})
    jwt_key_file: str = field(
        default="", metadata={"env": "JWT_KEY_FILE"}
    )  # a public key, or a secret for HS
    jwt_clock_skew: float = field(default=30.0, metadata={"env": "JWT_CLOCK_SKEW"})
    jwt_grants_claim: str = field(default="", metadata={"env": "JWT_GRANTS_CLAIM"})  # empty: grants are ours
    oidc_issuer: str = field(default="", metadata={"env": "OIDC_ISSUER"})  # empty: local accounts alone
    oidc_client_id: str = field(default="", metadata={"env": "OIDC_CLIENT_ID"})
    oidc_client_secret_file: str = field(default="", metadata={"env": "OIDC_CLIENT_SECRET_FILE"})
    oidc_grants_claim: str = field(default="", metadata={"env": "OIDC_GRANTS_CLAIM"})
    port: int = field(default=8000, metadata={"env": "PORT"})
    allowed_hosts: str = field(
        default="", metadata={"env": "ALLOWED_HOSTS"}
    )  # names by which this service is asked for beside loopback, joined by commas
    trusted_proxies: str = field(
        default="", metadata={"env": "TRUSTED_PROXIES"}
    )  # networks whose forwarded headers count, joined by commas
    tls_cert: str = field(default="", metadata={"env": "TLS_CERT"})  # PEM files; empty: no TLS of our own
    tls_key: str = field(default="", metadata={"env": "TLS_KEY"})
    ray_dashboard_port: int = field(default=8265, metadata={"env": "RAY_DASHBOARD_PORT"})
    ray_address: str = field(default="", metadata={"env": "RAY_ADDRESS"})  # empty: start a Ray of our own
    data_dir: Path = field(default=Path("data"), metadata={"env": "DATA_DIR"})
    checkpoint_url: str = field(default="", metadata={"env": "CHECKPOINT_URL"})  # empty: a folder in data_dir
    checkpoint_messages: int = field(
        default=2000, metadata={"env": "CHECKPOINT_MESSAGES"}
    )  # taken in since a user's last checkpoint: then there is a new one
    redis_url: str = field(
        default="", repr=False, metadata={"env": "REDIS_URL", "secret": True}
    )  # empty: the embedded server, in data_dir
    graph_url: str = field(
        default="", repr=False, metadata={"env": "GRAPH_URL", "secret": True}
    )  # empty: embedded, in data_dir
    graph_max_bindings: int = field(
        default=16, metadata={"env": "GRAPH_MAX_BINDINGS"}
    )  # of a TinkerPop server; 16 is its default
    cosmos_key: str = field(default="", repr=False, metadata={"env": "COSMOS_KEY", "secret": True})
    cosmos_key_file: str = field(default="", metadata={"env": "COSMOS_KEY_FILE"})  # read by the graph writer
    cosmos_partition_key: str = field(default="pk", metadata={"env": "COSMOS_PARTITION_KEY"})
    cosmos_ru: float = field(
        default=0.0, metadata={"env": "COSMOS_RU"}
    )  # request units a second that the whole service may use; 0: no limit of ours
    model: str = field(
        default="minilm", metadata={"env": "MODEL"}
    )  # "minilm" (packaged) or a sentence-transformers folder
    heads: str = field(
        default="", metadata={"env": "HEADS"}
    )  # where the installation's own heads are: a folder, or a URL that fsspec knows; empty: none
    sentiment_model: str = field(
        default="", metadata={"env": "SENTIMENT_MODEL"}
    )  # a transformers folder for sequence classification; empty: lexicon and head
    sentiment_labels: str = field(
        default="", metadata={"env": "SENTIMENT_LABELS"}
    )  # what its labels mean: LABEL=FEELING joined by commas
    retention_days: int = field(
        default=0, metadata={"env": "RETENTION_DAYS"}
    )  # for which messages are kept; 0: for ever
    conversation_gap: float = field(default=6 * 3600.0, metadata={"env": "CONVERSATION_GAP"})
    silence_threshold: float = field(default=300.0, metadata={"env": "SILENCE_THRESHOLD"})
    attribution_hours: float = field(
        default=24.0, metadata={"env": "ATTRIBUTION_HOURS"}
    )  # after a conversation, in which a sale still counts as following it
    response_target: float = field(
        default=300.0, metadata={"env": "RESPONSE_TARGET"}
    )  # in which a fan is to be answered
    business_hours: str = field(default="", metadata={"env": "BUSINESS_HOURS"})  # empty: every hour counts
    business_time_zone: str = field(default="UTC", metadata={"env": "BUSINESS_TIME_ZONE"})
    drop_off_days: int = field(
        default=30, metadata={"env": "DROP_OFF_DAYS"}
    )  # without a word or payment, after which a fan has dropped off
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
    requests_per_second: float = field(
        default=50.0, metadata={"env": "REQUESTS_PER_SECOND"}
    )  # of one caller; this and the next: 0 is no limit
    messages_per_second: float = field(
        default=1_000.0, metadata={"env": "MESSAGES_PER_SECOND"}
    )  # live messages of one user
    bytes_per_second: float = field(
        default=32 * 1024 * 1024.0, metadata={"env": "BYTES_PER_SECOND"}
    )  # of one user's input
    sockets_per_user: int = field(default=1_000, metadata={"env": "SOCKETS_PER_USER"})
    sockets_per_address: int = field(default=200, metadata={"env": "SOCKETS_PER_ADDRESS"})
    max_window: float = field(
        default=10 * 366 * 86_400.0, metadata={"env": "MAX_WINDOW"}
    )  # the longest window of an insight
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
        """Read and check every setting; SettingsError names the variable and the mend.

        A secret may be in a file instead, which its name with `_FILE` at the end names.
        """
        values: dict[str, Any] = {}
        named = {each.metadata["env"] for each in fields(cls)}
        for each in fields(cls):
            name = each.metadata["env"]
            text = env.get(name, "").strip()
            if each.metadata.get("secret") and f"{name}_FILE" not in named:
                text = _secret(name, text, env.get(f"{name}_FILE", "").strip())
            if text:
                values[each.name] = _parse(name, text, each.type)
        settings = cls(**values)
        settings._check()
        return settings

    @property
    def is_guarded(self) -> bool:
        """Whether callers have to say who they are."""
        return self.auth == "required"

    @property
    def secret_file(self) -> Path:
        """Where the installation's secret is."""
        return Path(self.auth_secret_file) if self.auth_secret_file else self.data_dir.resolve() / "secret"

    @property
    def encrypts(self) -> bool:
        """Whether what is stored of accounts is encrypted from now on."""
        return self.encryption == "required"

    @property
    def data_keys(self) -> str:
        """Where the keys of accounts are: a folder, or a URL that fsspec knows."""
        return self.data_keys_url or str(self.data_dir.resolve() / "keys")

    @property
    def token_algorithms(self) -> tuple[str, ...]:
        """The algorithms of JWT_ALGORITHMS."""
        return tuple(each.strip() for each in self.jwt_algorithms.split(",") if each.strip())

    @property
    def checkpoints(self) -> str:
        """Where checkpoints are: a folder, or a URL that fsspec knows."""
        return self.checkpoint_url or str(self.data_dir.resolve() / "checkpoints")

    @property
    def understood_by(self) -> str:
        """The models after whose change everything is understood anew."""
        return " ".join(filter(None, (self.model, self.sentiment_model, self.sentiment_labels)))

    @property
    def installed_heads(self) -> str:
        """Where the installation's own heads are, as every process finds it; empty: none."""
        return self.heads if not self.heads or "://" in self.heads else str(Path(self.heads).resolve())

    def search_folder(self, user_id: str) -> Path | None:
        """Where a user's search indexes are kept; None on a cluster.

        There a user's owner may be on another node tomorrow: what it leaves on this one could not be erased.
        """
        if self.ray_address:
            return None
        return self.data_dir.resolve() / "search" / f"user={quote(user_id, safe='')}"

    @property
    def _is_graph_embedded(self) -> bool:
        return not self.graph_url or self.graph_url.startswith("embedded:")

    @property
    def page_origins(self) -> frozenset[str]:
        """The origins whose pages may call: those of CORS_ORIGINS, and PUBLIC_URL."""
        return self.origins | ({self.public_url.lower()} if self.public_url else set())

    @property
    def hosts(self) -> frozenset[str]:
        """The names of ALLOWED_HOSTS and PUBLIC_URL, in lower case; SettingsError when one is none."""
        given = frozenset(_parts(self.allowed_hosts.lower()))
        if any(_NAME.fullmatch(each) is None for each in given):
            raise SettingsError(
                "ALLOWED_HOSTS: each must be a host's name or address and nothing else, such as "
                "analytics.example.com, without a port."
            )
        public = urlsplit(self.public_url.lower()).hostname
        return given if public is None else given | {public}

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of TRUSTED_PROXIES; SettingsError when one is none."""
        try:
            return tuple(map(ip_network, _parts(self.trusted_proxies)))
        except ValueError:
            raise SettingsError(
                "TRUSTED_PROXIES: each must be an address or a network, such as 10.0.0.5 or 10.0.0.0/24."
            ) from None

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in _LOOPBACK

    @property
    def has_tls(self) -> bool:
        """Whether HAProxy speaks TLS at HOST:PORT."""
        return bool(self.tls_cert)

    @property
    def url(self) -> str:
        """Where the service is reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 (read, not bound)
        return f"http{'s' * self.has_tls}://{host}:{self.port}"

    @property
    def origins(self) -> frozenset[str]:
        """The origins of other pages that may call, as browsers send them; SettingsError when one is none."""
        return frozenset(map(_origin, _parts(self.cors_origins)))

    def read_cosmos_key(self) -> str:
        """The key, from its file if it is in one; SettingsError when that cannot be read. Never log it."""
        return _secret("COSMOS_KEY", self.cosmos_key, self.cosmos_key_file)

    def env(self) -> dict[str, str]:
        """The same settings as environment variables, for the processes that this one starts."""
        return {each.metadata["env"]: str(getattr(self, each.name)) for each in fields(self)}

    def _check(self) -> None:
        self._check_edges()
        self._check_access()
        if self.encryption not in ("none", "required"):
            raise SettingsError(f"ENCRYPTION={self.encryption}: must be none or required.")
        if self.encrypts and not self.encryption_key_file:
            raise SettingsError(
                "ENCRYPTION_KEY_FILE: ENCRYPTION=required needs the file of the master key; make it with "
                "(umask 077; openssl rand -hex 32 > FILE)."
            )
        for name, port in (("PORT", self.port), ("RAY_DASHBOARD_PORT", self.ray_dashboard_port)):
            if not 1 <= port <= 65535:
                raise SettingsError(f"{name}={port}: a port is a number from 1 to 65535.")
        above_zero: tuple[str, ...] = (
            "conversation_gap",
            "silence_threshold",
            "max_body",
            "max_text",
            "max_held",
            "max_waiting",
        )
        above_zero += ("graph_batch_size", "checkpoint_messages", "user_idle", "users_per_node", "max_window")
        above_zero += ("sockets_per_user", "sockets_per_address")
        for each in above_zero:
            if not getattr(self, each) > 0:  # NaN is not above 0 either
                raise SettingsError(f"{each.upper()}={getattr(self, each)}: must be above 0.")
        for each in (
            *("graph_batch_wait", "requests_per_second", "messages_per_second", "bytes_per_second"),
            "retention_days",
        ):
            if not getattr(self, each) >= 0:
                raise SettingsError(f"{each.upper()}={getattr(self, each)}: must be 0 or more.")
        if not 0 <= self.attribution_hours <= MOST_ATTRIBUTION_HOURS:
            most = f"{MOST_ATTRIBUTION_HOURS:.0f}"
            raise SettingsError(f"ATTRIBUTION_HOURS={self.attribution_hours}: a number from 0 to {most}.")
        if not 0 <= self.response_target <= MOST_TARGET:
            raise SettingsError(
                f"RESPONSE_TARGET={self.response_target}: a number from 0 to {MOST_TARGET:.0f}."
            )
        if self.business_hours and WeeklyHours.parse(self.business_hours) is None:
            raise SettingsError(f"BUSINESS_HOURS={self.business_hours}: {FORM}.")
        try:
            parse_time_zone(self.business_time_zone)
        except InvalidInput:
            raise SettingsError(
                f"BUSINESS_TIME_ZONE={self.business_time_zone}: no IANA time zone, such as Europe/Berlin."
            ) from None
        if not 1 <= self.drop_off_days <= MOST_DROP_OFF_DAYS:
            raise SettingsError(
                f"DROP_OFF_DAYS={self.drop_off_days}: a number from 1 to {MOST_DROP_OFF_DAYS}."
            )
        if not 1 <= self.graph_writers <= MOST_WRITERS:
            raise SettingsError(f"GRAPH_WRITERS={self.graph_writers}: a number from 1 to {MOST_WRITERS}.")
        if self.graph_writers > 1 and self._is_graph_embedded:
            raise SettingsError(
                f"GRAPH_WRITERS={self.graph_writers}: the embedded graph has one writer; leave it out, or "
                "set GRAPH_URL to a server."
            )
        if self.graph_max_bindings < 7:
            raise SettingsError(f"GRAPH_MAX_BINDINGS={self.graph_max_bindings}: at least 7 are needed.")
        if self.redis_url and not self.redis_url.startswith(("redis://", "rediss://", "unix://")):
            raise SettingsError("REDIS_URL: must start with redis://, rediss:// or unix://.")
        if self.graph_url and not self.graph_url.startswith(("embedded:", "ws://", "wss://", PREFIX)):
            raise SettingsError(
                "GRAPH_URL: must be embedded:PATH, a ws:// or wss:// address, or cosmos:wss://.."
            )
        self._check_cosmos()
        meanings_of(self.sentiment_labels)  # refuses what is none
        if self.sentiment_labels and not self.sentiment_model:
            raise SettingsError("SENTIMENT_LABELS: say whose labels these are with SENTIMENT_MODEL.")
        if self.frontend_dir and not os.path.isfile(Path(self.frontend_dir, "index.html")):
            raise SettingsError(
                f"FRONTEND_DIR={self.frontend_dir}: holds no index.html; build the page and name the folder "
                "that the build writes."
            )
        _ = self.origins  # refuses what is none

    def _check_edges(self) -> None:
        if self.auth not in ("none", "required"):
            raise SettingsError(f"AUTH={self.auth}: must be none or required.")
        if not self.is_local and not self.is_guarded:
            raise SettingsError(
                f"HOST={self.host}: without authentication the service listens on this machine only; "
                "set AUTH=required to serve others, or HOST=127.0.0.1."
            )
        if not self.is_local and not self.hosts:
            raise SettingsError(
                f"ALLOWED_HOSTS: with HOST={self.host} it must name the host that callers ask for, such as "
                "analytics.example.com."
            )
        if bool(self.tls_cert) != bool(self.tls_key):
            raise SettingsError("TLS_CERT: TLS_CERT and TLS_KEY belong together; set both or none.")
        for name, file in (("TLS_CERT", self.tls_cert), ("TLS_KEY", self.tls_key)):
            if file and not os.access(file, os.R_OK):
                raise SettingsError(f"{name}={file}: cannot be read; name a PEM file.")
        if self.has_tls and self.ray_address:
            raise SettingsError(
                "TLS_CERT: not with RAY_ADDRESS, whose HAProxy is not ours to set up; put a proxy that "
                "speaks TLS in front."
            )
        _ = self.hosts, self.proxies  # refuse what is none

    def _check_access(self) -> None:
        if self.public_url and _origin(self.public_url, "PUBLIC_URL") != self.public_url.lower():
            raise SettingsError("PUBLIC_URL: must be as a browser has it, without its scheme's own port.")
        for name, url in (("JWT_JWKS_URL", self.jwt_jwks_url), ("OIDC_ISSUER", self.oidc_issuer)):
            if url and not _FETCHED.match(url):
                raise SettingsError(f"{name}: must start with https:// (or http://127.0.0.1).")
        if not 0 <= self.jwt_clock_skew <= MOST_SKEW:
            raise SettingsError(f"JWT_CLOCK_SKEW={self.jwt_clock_skew}: 0 to {MOST_SKEW} seconds.")
        if self.jwt_issuer:
            self._check_tokens()
        elif self.jwt_audience or self.jwt_jwks_url or self.jwt_key_file or self.jwt_grants_claim:
            raise SettingsError("JWT_ISSUER: set whose tokens are taken; other JWT_ settings need it.")
        if self.oidc_issuer and not (self.oidc_client_id and self.public_url):
            raise SettingsError(
                "OIDC_ISSUER: OIDC_CLIENT_ID and PUBLIC_URL are needed too: people come back from it to "
                "PUBLIC_URL/api/v1/sign-in/callback."
            )

    def _check_tokens(self) -> None:
        if not self.jwt_audience:
            raise SettingsError("JWT_AUDIENCE: set it, or tokens for any other service would be taken here.")
        if bool(self.jwt_jwks_url) == bool(self.jwt_key_file):
            raise SettingsError("JWT_JWKS_URL: set it, or JWT_KEY_FILE, and not both.")
        kinds = {"HS" if each.startswith("HS") else "signed" for each in self.token_algorithms}
        if not self.token_algorithms or not all(map(_ALGORITHM.fullmatch, self.token_algorithms)):
            raise SettingsError(
                f"JWT_ALGORITHMS={self.jwt_algorithms}: RS, PS, ES or HS, each with 256, 384 or 512, such as "
                "RS256,ES256."
            )
        if "HS" in kinds and (len(kinds) > 1 or self.jwt_jwks_url):
            raise SettingsError(
                "JWT_ALGORITHMS: HS has one secret for both sides: it goes with JWT_KEY_FILE and by itself."
            )

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


def _parts(text: str) -> Iterator[str]:
    """What stands between commas."""
    return filter(None, map(str.strip, text.split(",")))


def _secret(name: str, value: str, file: str) -> str:
    """The secret of that name, from its file if it is in one; SettingsError, which never has the secret."""
    if not file:
        return value
    if value:
        raise SettingsError(f"{name}: {name}_FILE is set too; set one of them.")
    try:
        found = Path(file).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise SettingsError(
            f"{name}_FILE={file}: cannot be read; name a text file with the secret alone, on every node "
            "where it is read."
        ) from None
    if not found:
        raise SettingsError(f"{name}_FILE={file}: is empty.")
    return found


def _parse(name: str, text: str, kind: Any) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise SettingsError(f"{name}={text}: must be a {kind.__name__} value.") from None


def _origin(text: str, name: str = "CORS_ORIGINS") -> str:
    if text == "*":
        raise SettingsError(
            f"{name}=*: any web page could then read every chat; "
            "name each origin, such as http://localhost:5173."
        )
    found = _ORIGIN.fullmatch(text.lower())
    port = int(found["port"] or 0) if found else 0
    if found is None or (found["port"] and not 1 <= port <= 65535):
        raise SettingsError(
            f"{name}: each must be scheme://host or scheme://host:port and nothing after it, "
            "such as http://localhost:5173."
        )
    own = port in (0, _OWN_PORTS.get(found["scheme"]))
    return f"{found['scheme']}://{found['host']}" + ("" if own else f":{port}")
