"""Checks receipts of erasures without the service.

    python -m privacy verify FILE   a receipt as it was answered, JSON; `-` reads standard input

The installation's secret is read as the service reads it (AUTH_SECRET_FILE, or a file in DATA_DIR). Ends with
0 when the receipt is one of this installation and unchanged, else with 1.
"""

import argparse
import sys
from pathlib import Path

import orjson

from errors import AnalyticsError
from privacy.seal import read_seal
from settings import Settings


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m privacy", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="check a receipt")
    verify.add_argument("file", help="JSON of the receipt; - for standard input")
    asked = parser.parse_args(arguments)
    try:
        file = Settings.from_env().secret_file
        if not file.exists():
            sys.stderr.write(f"error: AUTH_SECRET_FILE={file}: is not there, so nothing can be checked\n")
            return 1
        text = sys.stdin.buffer.read() if asked.file == "-" else Path(asked.file).read_bytes()
        receipt = orjson.loads(text)
        is_valid = isinstance(receipt, dict) and read_seal(file).is_valid(receipt)
    except (AnalyticsError, OSError, orjson.JSONDecodeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write("The receipt is valid.\n" if is_valid else "It was not signed here, or was changed.\n")
    return 0 if is_valid else 1


if __name__ == "__main__":
    sys.exit(main())
