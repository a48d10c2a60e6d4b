"""What the command lines `python -m graph` and `python -m access` have in common."""

import argparse
import sys
from collections.abc import Callable

from redis.exceptions import RedisError

from errors import AnalyticsError

WELL, DIFFERS, FAILED = 0, 1, 2  # exit codes; 2: it could not be found out


def new_parser(prog: str, doc: str | None) -> argparse.ArgumentParser:
    """A parser that shows a module's docstring as its help."""
    description, _, rest = (doc or "").partition("\n")
    return argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def exit_code(work: Callable[[], int]) -> int:
    """What the work returns; FAILED, with the reason on stderr, when it ends in an error of ours."""
    try:
        return work()
    except AnalyticsError as error:
        say(f"error: {error}")
    except RedisError as error:
        say(f"error: Redis does not answer ({type(error).__name__}).")
    except OSError as error:
        say(f"error: the file cannot be used ({error.strerror}).")
    except KeyboardInterrupt:
        say("stopped.")
    return FAILED


def tell(line: str) -> None:
    """An answer."""
    sys.stdout.write(f"{line}\n")


def say(line: str) -> None:
    """Progress, or an error."""
    sys.stderr.write(f"{line}\n")
