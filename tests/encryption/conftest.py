"""The tests' Redis: see `tests.actors.conftest`."""

from tests.actors.conftest import new_store, redis, store

__all__ = ["new_store", "redis", "store"]
