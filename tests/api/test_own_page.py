"""A built page of the operator's own: its files, its index with the configuration, and nothing besides."""

import base64
import hashlib
import json
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.own_page import with_config
from settings import Settings

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

INLINE = "document.documentElement.dataset.theme = 'dark' // < & </title>"
INDEX = f"""<!doctype html>
<html>
  <head>
    <title>Mine</title>
    <script>{INLINE}</script>
    <script type="module" src="/app/assets/index-1a2b.js"></script>
  </head>
  <body><div id="root"></div></body>
</html>
"""


class Configured(HTMLParser):
    """Reads a page as a browser does: the text of its elements with the config's id, and all tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []
        self._inside = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if dict(attrs).get("id") == "fastapi-config":
            self._inside = tag
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


def config_of(html: str) -> dict[str, Any]:
    [text] = Configured(html).found
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(INDEX)
    (built / "assets" / "index-1a2b.js").write_text("console.log(1)")
    (tmp_path / "secret.txt").write_text("not to be read")
    return built


def client_of(folder: Path, **more: Any) -> TestClient:
    settings = Settings(frontend_dir=str(folder), **more)
    return TestClient(build_api(settings), base_url="http://localhost:8000")


@pytest.fixture
def client(folder: Path) -> TestClient:
    return client_of(folder, extension_id="abcdefgh")


def test_the_page_is_told_where_the_service_is_and_whom_it_is_for(client: TestClient) -> None:
    answer = client.get("/app/", params={"user_id": "u 1/2", "creator_id": "c&1"})
    assert answer.headers["content-type"].startswith("text/html")
    assert config_of(answer.text) == {
        "API_BASE_URL": "http://localhost:8000",
        "FASTAPI_WS_URL": "ws://localhost:8000/api/ws/frontend/u%201%2F2?creator_id=c%261",
        "EXTENSION_ID": "abcdefgh",
        "VERSION": "1",
        "USER_ID": "u 1/2",
        "CREATOR_ID": "c&1",
    }


def test_without_a_user_the_socket_address_ends_where_the_user_follows(folder: Path) -> None:
    config = config_of(client_of(folder).get("/app/").text)
    assert config["FASTAPI_WS_URL"] == "ws://localhost:8000/api/ws/frontend/"
    assert (config["USER_ID"], config["CREATOR_ID"], config["EXTENSION_ID"]) == (None, None, "")


def test_the_address_without_its_slash_leads_to_the_page_with_its_query(client: TestClient) -> None:
    answer = client.get("/app?user_id=u1")
    assert str(answer.url) == "http://localhost:8000/app/?user_id=u1"
    assert config_of(answer.text)["USER_ID"] == "u1"


@pytest.mark.parametrize(
    "path", ["", "index.html", "chats", "chats/41", "assets", "assets/", "a/../b", "v1."]
)
def test_paths_of_the_page_itself_are_answered_with_its_index(client: TestClient, path: str) -> None:
    answer = client.get(f"/app/{path}?user_id=u1")
    assert answer.status_code == 200
    assert config_of(answer.text)["USER_ID"] == "u1"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["missing.js", "assets/missing.css", "chats/41.json", "favicon.ico"])
def test_a_file_that_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(f"/app/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "http"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.js", "text/javascript"),
        ("a.mjs", "text/javascript"),
        ("a.css", "text/css"),
        ("a.html", "text/html"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.webp", "image/webp"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.webmanifest", "application/manifest+json"),
    ],
)
def test_a_file_is_answered_by_its_type(client: TestClient, folder: Path, name: str, kind: str) -> None:
    (folder / "assets" / name).write_bytes(b"\x00content")
    answer = client.get(f"/app/assets/{name}")
    assert (answer.status_code, answer.content) == (200, b"\x00content")
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "assets/..%2f..%2fsecret.txt",
        "%2f..%2fsecret.txt",
        "..%5csecret.txt",
        "link.txt",
        "secret.txt%00",
        "..%2fsecret",
    ],
)
def test_nothing_outside_the_folder_is_read(client: TestClient, folder: Path, path: str) -> None:
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder.parent / "secret").write_text("not to be read")
    answer = client.get(f"/app/{path}")
    assert "not to be read" not in answer.text
    assert answer.status_code == (200 if path.endswith("secret") else 404)


def test_the_page_only_answers_reading(client: TestClient) -> None:
    assert client.post("/app/").status_code == 405
    assert client.head("/app/").status_code == 200


def test_the_policy_lets_the_pages_own_scripts_run_and_no_others(client: TestClient) -> None:
    policy = client.get("/app/chats").headers["content-security-policy"]
    directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    digest = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    assert directives["script-src"] == f"'self' 'sha256-{digest}'"
    assert directives["object-src"] == "'none'"
    assert "script-src" not in client.get("/").headers["content-security-policy"]


def test_a_new_build_is_served_without_a_restart(client: TestClient, folder: Path) -> None:
    index = folder / "index.html"
    index.write_text("<head></head>again")
    assert "again" in client.get("/app/").text
    index.unlink()
    answer = client.get("/app/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_without_a_folder_there_is_no_such_page() -> None:
    assert TestClient(build_api(Settings()), base_url="http://localhost:8000").get("/app/").status_code == 404


CONFIG: dict[str, str | None] = {"USER_ID": "u1"}


@pytest.mark.parametrize(
    "element",
    [
        '<script id="fastapi-config" type="application/json">{"USER_ID": "old"}</script>',
        "<script type='application/json' id='fastapi-config'>\n{}\n</script >",
        '<SCRIPT TYPE=application/json ID=fastapi-config DATA-x="a > b"></SCRIPT>',
        '<template id="fastapi-config"><template>old</template></template>',
        '<div hidden id="fastapi-config">old<div>old</div></div>',
    ],
)
@pytest.mark.parametrize(
    "place", ["<head>{}</head><body>&#bad &</body>", "<head></head>\r\n<body>é&#\n{}\n</body>"]
)
def test_an_element_that_is_there_is_filled(element: str, place: str) -> None:
    html, _ = with_config(place.format(element).encode(), CONFIG)
    assert config_of(html.decode()) == CONFIG
    assert "old" not in html.decode()
    before, after = place.split("{}")
    assert html.decode().startswith(before + element[: element.index(">")])
    assert html.decode().endswith(after)


@pytest.mark.parametrize(
    ("page", "filled"),
    [
        ("<html><head><title>x</title></head><body>y", "<html><head><title>x</title>{}</head><body>y"),
        ("<HTML><HEAD></HEAD >", "<HTML><HEAD>{}</HEAD >"),
        ("<title>x</title><body>y</body>", "<title>x</title>{}<body>y</body>"),
        ("<!doctype html><p>y", "<!doctype html><p>y{}"),
        ("", "{}"),
        ('<!-- </head><script id="fastapi-config"></script> --></head>', None),
        ("<script>'</head>'</script></head>", "<script>'</head>'</script>{}</head>"),
    ],
)
def test_else_one_is_put_at_the_end_of_the_head(page: str, filled: str | None) -> None:
    element = '<script id="fastapi-config" type="application/json">{"USER_ID": "u1"}</script>'
    expected = (filled or page.replace(" --></head>", " -->{}</head>")).replace("{}", element)
    assert with_config(page.encode(), CONFIG)[0].decode() == expected


def test_bytes_of_another_encoding_come_out_as_they_went_in() -> None:
    html, _ = with_config(b"<head></head>\xe9\xff", CONFIG)
    assert html.endswith(b"</head>\xe9\xff")


def test_a_digest_is_of_the_script_as_browsers_read_it() -> None:
    _, [digest] = with_config("<script>\r\né</script><script src=a></script>".encode(), CONFIG)
    assert digest == base64.b64encode(hashlib.sha256("\né".encode()).digest()).decode()


@given(
    st.text()
    | st.lists(st.sampled_from(["</script>", "<!--", "<script>", "-->", "&lt;", "'", '"', "\\"])).map(
        "".join
    ),
    st.sampled_from([INDEX, '<script id="fastapi-config"></script>', '<div id="fastapi-config"></div>']),
)
def test_whatever_the_query_holds_the_page_gets_it_as_text(given_id: str, page: str) -> None:
    html = with_config(page.encode(), {"USER_ID": given_id})[0].decode()
    assert config_of(html) == {"USER_ID": given_id}
    added = [] if "fastapi-config" in page else ["script"]
    assert sorted(Configured(html).tags) == sorted(Configured(page).tags + added)
    assert not re.search("[<>&]", Configured(html).found[0])
