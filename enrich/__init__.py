"""Understanding conversations: one module a strategy, composed in `analyse`, run on Ray by `tasks`.

The two public functions are found here; they are imported when they are asked for, since the strategies are
heavy and not every process that imports this package runs them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enrich.analyse import enrich_conversation
    from enrich.tasks import broadcast_enrichment

__all__ = ["broadcast_enrichment", "enrich_conversation"]


def __getattr__(name: str) -> Any:
    if name == "enrich_conversation":
        from enrich.analyse import enrich_conversation

        return enrich_conversation
    if name == "broadcast_enrichment":
        from enrich.tasks import broadcast_enrichment

        return broadcast_enrichment
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


RULES = 3  # to be raised when enrichment comes to say something else of the same conversation
