"""The tests' Redis: see `tests.actors.conftest`."""

from tests.actors.conftest import redis, store

__all__ = ["redis", "store"]
