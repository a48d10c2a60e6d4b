import msgspec
from hypothesis import given
from hypothesis import strategies as st

from session.lacking import Lacking

ids = st.sampled_from(["1", "2", "a:b", ""])
lacking = st.builds(
    Lacking,
    everything=st.just(False),
    written=st.lists(st.tuples(ids, ids)).map(dict.fromkeys),
    gone=st.lists(ids).map(dict.fromkeys),
    fans=st.lists(ids).map(dict.fromkeys),
    since=st.just(5.0),
) | st.just(Lacking(everything=True, since=5.0))


@given(lacking)
def test_what_the_graph_lacks_is_the_same_when_a_checkpoint_gives_it_back(lacks: Lacking) -> None:
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(lacks.to_json()))
    assert Lacking.of_json(kept, 5.0) == lacks
