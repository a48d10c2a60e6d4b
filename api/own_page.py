"""A built page of the operator's own, served at `/app` with its configuration inside.

The folder is read anew for every answer, so a new build needs no restart.
"""

import asyncio
import base64
import hashlib
import json
import mimetypes
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.guard import asked_host, page_policy
from api.sockets.sending import VERSION
from errors import NotFound

CONFIG_ID = "fastapi-config"
INDEX = "index.html"
# Python's own table lacks some of them, and a system's table may have others for them.
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
for _suffix, _type in _TYPES.items():
    mimetypes.add_type(_type, _suffix)


class OwnPage(StaticFiles):
    """The files of a built page; its index answers every path without a suffix that is no file."""

    def __init__(self, folder: Path, *, extension_id: str) -> None:
        super().__init__(directory=folder)
        self._index = folder / INDEX
        self._extension_id = extension_id

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            found = await super().get_response(path, scope)
        except HTTPException as missing:
            if missing.status_code != 404 or PurePosixPath(path).suffix:
                raise
        else:
            if path != INDEX:
                return found
        try:
            html = await asyncio.to_thread(self._index.read_bytes)
        except OSError:
            raise NotFound(f"FRONTEND_DIR has no {INDEX} that can be read; build the page again.") from None
        html, scripts = with_config(html, page_config(Request(scope), self._extension_id))
        allowed = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in scripts)])
        # What builds pages often puts styles into them; whose page it is may.
        policy = page_policy(
            asked_host(scope),
            style="'self' 'unsafe-inline'",
            more=f"; script-src {allowed}; font-src 'self' data:",
        )
        return HTMLResponse(html, headers={"Cache-Control": "no-store", "Content-Security-Policy": policy})


def page_config(request: Request, extension_id: str) -> dict[str, str | None]:
    """What a page needs to know to reach this service, by the names that existing pages read.

    `FASTAPI_WS_URL` is the user's whole socket address; without a `user_id` it ends where that would follow.
    """
    base = str(request.base_url).rstrip("/")
    user, creator = request.query_params.get("user_id"), request.query_params.get("creator_id")
    socket = f"{base.replace('http', 'ws', 1)}/api/ws/frontend/{quote(user or '', safe='')}"
    return {
        "API_BASE_URL": base,
        "FASTAPI_WS_URL": f"{socket}?{urlencode({'creator_id': creator})}" if creator else socket,
        "EXTENSION_ID": extension_id,
        "VERSION": VERSION,
        "USER_ID": user or None,
        "CREATOR_ID": creator or None,
    }


def with_config(html: bytes, config: dict[str, str | None]) -> tuple[bytes, list[str]]:
    """The page with the configuration in its config element, and the digests of its inline scripts.

    An element with the id is filled, else one is put at the end of the head. Digests are SHA-256 in base64,
    as a Content-Security-Policy has them.
    """
    # Bytes that are no UTF-8 come out as they went in.
    text = html.decode("utf-8", "surrogateescape")
    page = _Page(text)
    # Whatever the element is, its text is this JSON and ends nowhere in it.
    content = json.dumps(config)
    for character in "<>&":
        content = content.replace(character, f"\\u{ord(character):04x}")
    if page.config is None:
        start = end = len(text) if page.head_end is None else page.head_end
        content = f'<script id="{CONFIG_ID}" type="application/json">{content}</script>'
    else:
        start, end = page.config
    filled = text[:start] + content + text[end:]
    return filled.encode("utf-8", "surrogateescape"), [_digest(script) for script in page.scripts]


def _digest(script: str) -> str:
    read = script.replace("\r\n", "\n").replace("\r", "\n")  # as browsers do before they compute it
    return base64.b64encode(hashlib.sha256(read.encode("utf-8", "surrogateescape")).digest()).decode()


class _Page(HTMLParser):
    """Where a page's config element has its content, where its head ends, and its inline scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.config: tuple[int, int] | None = None
        self.head_end: int | None = None
        self.scripts: list[str] = []
        self._text = text
        self._lines = [0]
        while (line_end := text.find("\n", self._lines[-1])) >= 0:
            self._lines.append(line_end + 1)
        self._element: tuple[str, int] | None = None  # the config element's tag, and where its content begins
        self._depth = 0  # of elements with that tag inside it
        self._script: int | None = None  # where the content of an inline script begins
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside = self._here() + len(self.get_starttag_text() or "")
        given = dict(attrs)
        if self._element is not None:
            self._depth += tag == self._element[0]
        elif self.config is None and given.get("id") == CONFIG_ID:
            self._element = (tag, inside)
        if tag == "script" and "src" not in given:
            self._script = inside
        if tag == "body" and self.head_end is None:
            self.head_end = self._here()  # the head's end tag may be left out

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # the slash means nothing in HTML

    def handle_endtag(self, tag: str) -> None:
        here = self._here()
        if tag == "head" and self.head_end is None:
            self.head_end = here
        if tag == "script" and self._script is not None:
            self.scripts.append(self._text[self._script : here])
            self._script = None
        if self._element is not None and tag == self._element[0]:
            if self._depth:
                self._depth -= 1
            else:
                self.config, self._element = (self._element[1], here), None

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column
