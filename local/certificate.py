"""A renewed certificate is taken over while the service runs.

HAProxy reads its files when it starts, and never again. On its admin socket it is given another certificate
with its key: handshakes from then on are with these, and connections that are open go on. What does not
belong together it refuses, and goes on with what it has.
"""

import socket
from collections.abc import Callable
from pathlib import Path

LOOK_EVERY = 5.0  # seconds
ANSWER_WITHIN = 10.0


class Certificate:
    """The pair of files that HAProxy serves with, which it knows by the name `known_as`.

    `admin` finds HAProxy's admin socket, None where there is none; `say` tells people what became of a pair.
    """

    def __init__(
        self,
        cert: Path,
        key: Path,
        known_as: Path,
        admin: Callable[[], Path | None],
        say: Callable[[str], None],
    ) -> None:
        self._files = (cert, key)
        self._known_as = known_as
        self._admin = admin
        self._say = say
        self._serves = self._tried = self._read()

    def look(self) -> None:
        """Have HAProxy take over what the files hold now, if that is another pair; a failure is told once."""
        pair = self._read()
        if not pair or pair == self._serves:
            return
        try:
            self._give(pair)
        except OSError as error:
            if pair != self._tried:
                self._say(
                    f"TLS_CERT: the renewed certificate is not taken over yet ({error}); the one before is "
                    "served on. TLS_CERT and TLS_KEY have to belong together."
                )
        else:
            self._serves = pair
            self._say("TLS_CERT: the renewed certificate is taken over.")
        self._tried = pair

    def _read(self) -> bytes:
        """Certificate, chain and key without empty lines; nothing while a file is away."""
        try:
            lines = b"\n".join(file.read_bytes() for file in self._files).splitlines()
        except OSError:
            return b""
        return b"\n".join(line for line in lines if line.strip())

    def _give(self, pair: bytes) -> None:
        """OSError says why HAProxy does not serve with the pair."""
        if (admin := self._admin()) is None:
            raise OSError("HAProxy is not there")
        name = str(self._known_as).encode()
        told = _ask(admin, b"set ssl cert %b <<\n%b\n\n" % (name, pair))
        if "Transaction" in told:
            told = _ask(admin, b"commit ssl cert %b\n" % name)
            if "Success!" in told:
                return
            _ask(admin, b"abort ssl cert %b\n" % name)
        raise OSError(f"HAProxy says: {' '.join(told.split()) or 'nothing'}")


def _ask(admin: Path, command: bytes) -> str:
    """What HAProxy answers to a command."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_WITHIN)
        connection.connect(str(admin))
        connection.sendall(command)
        return b"".join(iter(lambda: connection.recv(4096), b"")).decode(errors="replace")
