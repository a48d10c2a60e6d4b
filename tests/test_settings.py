from dataclasses import fields
from pathlib import Path

import pytest

from errors import SettingsError
from settings import Settings


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings.from_env({"PORT": "  ", "HOST": ""}) == Settings()


def test_search_indexes_are_kept_on_one_machine_and_never_on_a_cluster(tmp_path: Path) -> None:
    alone = Settings(data_dir=tmp_path)
    assert alone.search_folder("a/b") == tmp_path / "search" / "user=a%2Fb"
    assert Settings(data_dir=tmp_path, ray_address="10.0.0.4:6379").search_folder("a") is None


def test_every_setting_survives_the_way_to_another_process() -> None:
    given = Settings.from_env(
        {
            "HOST": "localhost",
            "PORT": "9000",
            "DATA_DIR": "/srv/data",
            "REDIS_URL": "unix:///run/redis.sock",
            "GRAPH_URL": "wss://graph.test:443/gremlin",
            "CONVERSATION_GAP": "7200.5",
            "GRAPH_BATCH_SIZE": "7",
            "GRAPH_WRITERS": "3",
            "CORS_ORIGINS": "http://localhost:5173,https://dev.example.test",
            "LOG_LEVEL": "DEBUG",
        }
    )
    assert Settings.from_env(given.env()) == given
    assert (given.data_dir, given.conversation_gap, given.port) == (Path("/srv/data"), 7200.5, 9000)
    assert len(given.env()) == len(fields(Settings))


TOKENS = {"JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "us", "JWT_JWKS_URL": "https://id.example/jwks"}
PROVIDER = {"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "us", "PUBLIC_URL": "https://us.example"}


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "chats.example.test"])
def test_where_callers_say_who_they_are_any_address_is_listened_on(host: str) -> None:
    for name in ({"ALLOWED_HOSTS": "us.example"}, {"PUBLIC_URL": "https://us.example"}):
        given = Settings.from_env({"HOST": host, "AUTH": "required", **name})
        assert given.host == host
        assert given.hosts == frozenset({"us.example"})


@pytest.mark.parametrize(
    ("given", "wrong", "name"),
    [
        ({}, {"AUTH": "off"}, "AUTH"),
        ({}, {"PUBLIC_URL": "us.example"}, "PUBLIC_URL"),
        ({}, {"PUBLIC_URL": "https://us.example/chats"}, "PUBLIC_URL"),
        ({}, {"JWT_CLOCK_SKEW": "-1"}, "JWT_CLOCK_SKEW"),
        ({}, {"JWT_CLOCK_SKEW": "301"}, "JWT_CLOCK_SKEW"),
        ({}, {"JWT_AUDIENCE": "us"}, "JWT_ISSUER"),
        (TOKENS, {"JWT_AUDIENCE": ""}, "JWT_AUDIENCE"),
        (TOKENS, {"JWT_JWKS_URL": ""}, "JWT_JWKS_URL"),
        (TOKENS, {"JWT_JWKS_URL": "http://id.example/jwks"}, "JWT_JWKS_URL"),
        (TOKENS, {"JWT_JWKS_URL": "http://localhost.evil.example/jwks"}, "JWT_JWKS_URL"),
        (TOKENS, {"JWT_KEY_FILE": "/key.pem"}, "JWT_JWKS_URL"),
        (TOKENS, {"JWT_ALGORITHMS": "none"}, "JWT_ALGORITHMS"),
        (TOKENS, {"JWT_ALGORITHMS": "RS256,none"}, "JWT_ALGORITHMS"),
        (TOKENS, {"JWT_ALGORITHMS": "HS256"}, "JWT_ALGORITHMS"),
        (TOKENS, {"JWT_ALGORITHMS": "RS256,HS256"}, "JWT_ALGORITHMS"),
        (TOKENS, {"JWT_ALGORITHMS": ","}, "JWT_ALGORITHMS"),
        (PROVIDER, {"OIDC_CLIENT_ID": ""}, "OIDC_ISSUER"),
        (PROVIDER, {"PUBLIC_URL": ""}, "OIDC_ISSUER"),
        (PROVIDER, {"OIDC_ISSUER": "http://id.example"}, "OIDC_ISSUER"),
    ],
)
def test_a_half_or_an_unsafe_way_to_sign_in_is_refused(
    given: dict[str, str], wrong: dict[str, str], name: str
) -> None:
    Settings.from_env(given)
    with pytest.raises(SettingsError, match=f"^{name}"):
        Settings.from_env({**given, **wrong})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_addresses_are_listened_on(host: str) -> None:
    assert Settings.from_env({"HOST": host}).host == host


PUBLIC = {"HOST": "0.0.0.0", "AUTH": "required", "ALLOWED_HOSTS": "analytics.example.test"}


def test_any_other_address_needs_authentication_and_a_name() -> None:
    given = Settings.from_env(PUBLIC)
    assert (given.host, given.is_local) == ("0.0.0.0", False)
    assert given.hosts == {"analytics.example.test"}
    with pytest.raises(SettingsError, match=r"^HOST=0\.0\.0\.0: without authentication"):
        Settings.from_env({**PUBLIC, "AUTH": "none"})
    with pytest.raises(SettingsError, match=r"^ALLOWED_HOSTS: with HOST"):
        Settings.from_env({**PUBLIC, "ALLOWED_HOSTS": ""})


def test_a_certificate_needs_its_key_and_files_that_can_be_read(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.touch()
    both = {"TLS_CERT": str(cert), "TLS_KEY": str(key)}
    with pytest.raises(SettingsError, match=r"^TLS_KEY=.*cannot be read"):
        Settings.from_env(both)
    key.touch()
    assert Settings.from_env(both).url == "https://127.0.0.1:8000"
    assert Settings().url == "http://127.0.0.1:8000"
    for name in both:
        with pytest.raises(SettingsError, match=r"^TLS_CERT: .*belong together"):
            Settings.from_env({name: str(cert)})
    with pytest.raises(SettingsError, match=r"^TLS_CERT: not with RAY_ADDRESS"):
        Settings.from_env({**both, "RAY_ADDRESS": "auto"})


def test_names_and_networks_are_read_as_lists() -> None:
    given = Settings.from_env(
        {"ALLOWED_HOSTS": "A.example.test, 10.0.0.4,[::2]", "TRUSTED_PROXIES": "10.0.0.5, 2001:db8::/32"}
    )
    assert given.hosts == {"a.example.test", "10.0.0.4", "[::2]"}
    assert [str(each) for each in given.proxies] == ["10.0.0.5/32", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "0.0.0.0"),
        ("HOST", "::"),
        ("HOST", "192.168.1.5"),
        ("HOST", "example.test"),
        ("AUTH", "maybe"),
        ("ALLOWED_HOSTS", "https://analytics.example.test"),
        ("ALLOWED_HOSTS", "analytics.example.test:443"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "a b"),
        ("TRUSTED_PROXIES", "proxy.example.test"),
        ("TRUSTED_PROXIES", "10.0.0.5/24"),
        ("TRUSTED_PROXIES", "10.0.0.5;10.0.0.6"),
        ("TLS_CERT", "/no/such/file"),
        ("REQUESTS_PER_SECOND", "-1"),
        ("REQUESTS_PER_SECOND", "nan"),
        ("MESSAGES_PER_SECOND", "-1"),
        ("BYTES_PER_SECOND", "-0.5"),
        ("SOCKETS_PER_USER", "0"),
        ("SOCKETS_PER_ADDRESS", "0"),
        ("MAX_WINDOW", "0"),
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("RAY_DASHBOARD_PORT", "-1"),
        ("CONVERSATION_GAP", "0"),
        ("CONVERSATION_GAP", "soon"),
        ("SILENCE_THRESHOLD", "-1"),
        ("MAX_BODY", "0"),
        ("MAX_TEXT", "-5"),
        ("GRAPH_WRITERS", "2"),  # the embedded graph has one
        ("DROP_OFF_DAYS", "0"),
        ("DROP_OFF_DAYS", "366"),
        ("GRAPH_WRITERS", "0"),
        ("GRAPH_WRITERS", "65"),
        ("RETENTION_DAYS", "-1"),
        ("RESPONSE_TARGET", "-1"),
        ("RESPONSE_TARGET", "nan"),
        ("RESPONSE_TARGET", "2678401"),
        ("BUSINESS_HOURS", "9 to 5"),
        ("BUSINESS_TIME_ZONE", "Mars/Olympus"),
        ("GRAPH_BATCH_SIZE", "0"),
        ("GRAPH_BATCH_SIZE", "1.5"),
        ("GRAPH_MAX_BINDINGS", "5"),
        ("USER_IDLE", "0"),
        ("USERS_PER_NODE", "0"),
        ("USERS_PER_NODE", "-1"),
        ("REDIS_URL", "localhost:6379"),
        ("GRAPH_URL", "http://graph.test"),
        ("GRAPH_URL", "cosmos:wss://graph.test"),
        ("COSMOS_PARTITION_KEY", "id"),
        ("COSMOS_RU", "-1"),
        ("COSMOS_RU", "0.5"),
        ("COSMOS_RU", "nan"),
        ("COSMOS_RU", "inf"),
        ("COSMOS_RU", "plenty"),
        ("FRONTEND_DIR", "/no/such/folder"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "http://localhost:5173, *"),
        ("CORS_ORIGINS", "http://*.example.test"),
        ("CORS_ORIGINS", "localhost:5173"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "http://localhost:5173/"),
        ("CORS_ORIGINS", "http://localhost:5173/app"),
        ("CORS_ORIGINS", "http://localhost:5173?x"),
        ("CORS_ORIGINS", "http://me@localhost"),
        ("CORS_ORIGINS", "http://localhost:"),
        ("CORS_ORIGINS", "http://localhost:0"),
        ("CORS_ORIGINS", "http://localhost:65536"),
        ("CORS_ORIGINS", "http://a http://b"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}"):
        Settings.from_env({name: value})


COSMOS = "cosmos:wss://graph.test/?database=d&graph=g"


def test_the_key_of_cosmos_db_goes_to_other_processes_and_is_never_shown() -> None:
    given = Settings.from_env({"GRAPH_URL": COSMOS, "COSMOS_KEY": "hush-hush=="})
    assert given.env()["COSMOS_KEY"] == given.read_cosmos_key() == "hush-hush=="
    assert Settings.from_env(given.env()) == given
    assert "hush-hush" not in repr(given)


def test_a_graph_in_cosmos_db_needs_one_key() -> None:
    with pytest.raises(SettingsError, match=r"^COSMOS_KEY: a graph"):
        Settings.from_env({"GRAPH_URL": COSMOS})
    with pytest.raises(SettingsError, match=r"^COSMOS_KEY: COSMOS_KEY_FILE") as refused:
        Settings.from_env({"GRAPH_URL": COSMOS, "COSMOS_KEY": "secret", "COSMOS_KEY_FILE": "/run/key"})
    assert "secret" not in str(refused.value)


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    settings = Settings.from_env({"GRAPH_URL": COSMOS, "COSMOS_KEY_FILE": str(file)})
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.read_cosmos_key()
    file.write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        settings.read_cosmos_key()
    file.write_text("secret==\n")
    assert settings.read_cosmos_key() == "secret=="
    assert "secret" not in str(settings.env())


@pytest.mark.parametrize("name", ["REDIS_URL", "GRAPH_URL"])
def test_an_address_that_is_refused_is_not_repeated(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({name: "https://user:secret@host.test"})
    assert "secret" not in str(refused.value)


def test_origins_are_held_as_browsers_send_them() -> None:
    given = "HTTP://Dev.Example.test:80, https://a.test:443,http://localhost:5173,, http://[::1]:8080"
    assert Settings.from_env({"CORS_ORIGINS": given}).origins == {
        "http://dev.example.test",
        "https://a.test",
        "http://localhost:5173",
        "http://[::1]:8080",
    }
    assert Settings().origins == frozenset()


def test_a_folder_without_a_built_page_is_refused_and_one_with_it_is_taken(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"FRONTEND_DIR=.*index\.html; build"):
        Settings.from_env({"FRONTEND_DIR": str(tmp_path)})
    (tmp_path / "index.html").write_text("<p>mine")
    assert Settings.from_env({"FRONTEND_DIR": str(tmp_path)}).frontend_dir == str(tmp_path)
