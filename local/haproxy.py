"""Starts HAProxy for Ray Serve, with what Serve's configuration of it lacks.

Serve writes the configuration and offers no setting for some things: TLS, the address of whoever connects,
how long a request's head may take, and where HAProxy's statistics and metrics listen, which is every
interface. It does let the program be named that is started as HAProxy. That is a script which runs this
module: the configuration is edited where it lies, and the process becomes HAProxy. Only the standard library
is used: it is run by its path, before each start of HAProxy.
"""

import os
import re
import shlex
import sys
from pathlib import Path

MARK = "# edited by local/haproxy.py\n"
PAIR = "tls.pem"  # the certificate, in the folder of the script; its key is beside it
HEAD_WITHIN = 30  # seconds for a request's line and headers; who is slower holds a connection for nothing
_EVERY_INTERFACE = re.compile(r"^( *bind )\*?(:\d+)$", re.MULTILINE)
_FRONTEND = re.compile(r"^(frontend http_frontend\n *bind )\S+:(\d+)$", re.MULTILINE)


def write_program(folder: Path, binary: str, host: str, tls_cert: str, tls_key: str) -> Path:
    """Write the script that is to be started as HAProxy; `folder` must be nobody else's."""
    bind = ""
    if tls_cert:
        pair = folder / PAIR
        # By the names that were given: where these are links, a renewal has them name other files.
        pair.symlink_to(Path(tls_cert).absolute())
        Path(f"{pair}.key").symlink_to(Path(tls_key).absolute())
        bind = f" ssl crt {pair} ssl-min-ver TLSv1.2 alpn http/1.1"
    script = folder / "haproxy"
    command = shlex.join([sys.executable, "-I", "-S", __file__, binary, host, bind])
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    script.chmod(0o700)
    return script


def edited(config: str, host: str, bind: str) -> str:
    """Serve's configuration, listening at `host` with the options `bind`, all else on loopback.

    ValueError when it is not the configuration that is known here.
    """
    if config.startswith(MARK):
        return config
    if ":" in host:
        host = f"[{host}]"
    config, others = _EVERY_INTERFACE.subn(r"\g<1>127.0.0.1\2", config)
    more = f"{bind}\n    option forwardfor\n    timeout http-request {HEAD_WITHIN}s"
    config, frontends = _FRONTEND.subn(lambda found: f"{found[1]}{host}:{found[2]}{more}", config)
    if (others, frontends) != (2, 1):
        raise ValueError
    return MARK + config


def main(binary: str, host: str, bind: str, *arguments: str) -> None:
    """Become HAProxy, on the edited configuration."""
    file = Path(arguments[arguments.index("-f") + 1])
    try:
        config = edited(file.read_text(), host, bind)
    except ValueError:
        sys.exit(f"{file}: is not the configuration of HAProxy that Ray Serve 2.60 writes; pin that version.")
    file.write_text(config)
    os.execv(binary, [binary, *arguments])  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main(*sys.argv[1:])
