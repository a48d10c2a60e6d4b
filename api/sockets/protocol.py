"""How uvicorn reads and writes connections here. Serve starts uvicorn and offers no settings for it."""

import asyncio
from functools import partialmethod

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# To see when a connection ends Serve reads all that comes on it, and keeps that without bound until the
# application asks for it. With this header it leaves the reading, and the end, to the application.
_READ_NOT_AHEAD = (b"x-request-disconnect-disabled", b"?1")


class RequestProtocol(HttpToolsProtocol):
    """Has no more read of a request or socket than the application asks for, whatever its client says."""

    application: asyncio.AbstractEventLoop | None = None  # that it runs on; from another one it cannot read

    def on_headers_complete(self) -> None:
        if self.loop is self.application:
            self.headers.append(_READ_NOT_AHEAD)  # of two the last one counts; a handshake's are handed on
        super().on_headers_complete()


class SocketProtocol(WebSocketsSansIOProtocol):
    """Gives the application the text it receives as bytes, and keeps a socket whose peer waits to be read.

    A snapshot is one frame, and what reads it takes UTF-8. Decoding it, and encoding it again, would hold up
    the event loop.
    """

    _heard_at = 0.0  # by the event loop's clock

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        super().data_received(data)

    def send_receive_event_to_app(self) -> None:
        self.curr_msg_data_type = "bytes"
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        """A pong is behind what was sent before it, and a socket is not read while its owner is behind."""
        if self.read_paused or self._heard_at > self.ping_sent_at:
            self.pong_timer = self.pending_ping_payload = None
            self.schedule_ping()
        else:
            super().keepalive_timeout()


def configure_uvicorn(max_frame: int) -> None:
    """Have this process's HTTP server read as above, take frames of `max_frame` bytes, and compress none.

    Called on the application's event loop. uvicorn's own limit is 16 MB, but an extension sends its whole
    snapshot in one frame. Compression would hold up the event loop, and a few bytes could become any number.
    """
    RequestProtocol.application = asyncio.get_running_loop()
    uvicorn.Config.__init__ = partialmethod(  # type: ignore[method-assign, assignment]
        uvicorn.Config.__init__,
        http=RequestProtocol,
        ws=SocketProtocol,
        ws_max_size=max_frame,
        ws_per_message_deflate=False,
        proxy_headers=False,  # `api.forwarded` reads them
        server_header=False,
    )
