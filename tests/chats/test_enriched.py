import subprocess
import sys

from chats.conversation import Figures
from chats.enriched import EnrichedConversation, MessageEnrichment

FIGURES = Figures(0.0, 0.0, 1, 1, 0, 0, 0, 0, 0.0, (), 1)


def test_what_is_understood_loads_neither_the_wire_nor_a_model() -> None:
    heavy = {"pydantic", "wire.payloads", "torch", "numpy", "ray"}
    code = (
        "import sys, chats.enriched, enrich.node, graph.builder, history.packing; "
        f"sys.exit(', '.join({heavy!r} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_sentiment_is_the_mean_and_none_where_nothing_is_known() -> None:
    found = EnrichedConversation("c:1", "creator", "c", "c", FIGURES, sentiment_sum=1.5, sentiment_count=2)
    assert found.sentiment == 0.75
    assert EnrichedConversation("c:1", "creator", "c", "c", FIGURES).sentiment is None


def test_one_message_on_which_something_failed_is_a_conversation_that_failed() -> None:
    good, bad = MessageEnrichment(0.5), MessageEnrichment(None, failed={"sentiment": "OSError"})
    assert EnrichedConversation(
        "c:1", "creator", "c", "c", FIGURES, messages={"1": good, "2": bad}
    ).has_failed
    assert not EnrichedConversation("c:1", "creator", "c", "c", FIGURES, messages={"1": good}).has_failed
