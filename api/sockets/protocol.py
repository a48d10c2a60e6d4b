"""How uvicorn reads and writes sockets here. Serve starts uvicorn itself and offers no settings for it."""

from functools import partialmethod

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


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
    """Have this process's HTTP server take socket frames of `max_frame` bytes, and compress none.

    uvicorn's own limit is 16 MB, but an extension sends its whole snapshot in one frame. Compression would
    hold up the event loop, and a few bytes could become any number.
    """
    uvicorn.Config.__init__ = partialmethod(  # type: ignore[method-assign, assignment]
        uvicorn.Config.__init__,
        ws=SocketProtocol,
        ws_max_size=max_frame,
        ws_per_message_deflate=False,
        proxy_headers=False,  # `api.forwarded` reads them
        server_header=False,
    )
