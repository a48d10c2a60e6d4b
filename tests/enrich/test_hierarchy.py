"""Topics that belong together are shown together, and stay so whatever a later fit finds."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from enrich.embedding.embed import embed
from enrich.topics.hierarchy import grouped, outlined
from enrich.topics.model import Topic, TopicModel, seeded
from enrich.topics.names import all_names, names_from
from enrich.topics.windows import unit
from search.vectors import cosines, packed

DIMENSION = 6
SEEDED = 3


@st.composite
def models(draw: st.DrawFn) -> list[TopicModel]:
    """The fits of one account, each of which has found more than the one before."""
    counts = draw(st.lists(st.integers(0, 6), min_size=1, max_size=4))
    seed = draw(st.integers(0, 2**32 - 1))
    total = SEEDED + sum(counts)
    centroids = unit(np.random.default_rng(seed).normal(size=(total, DIMENSION)).astype(np.float32))
    topics = [Topic(f"s{n}", f"S {n}", "life", (), 0.3, "taxonomy 1") for n in range(SEEDED)]
    fits = []
    for fit, count in enumerate(counts, 1):
        first = len(topics) - SEEDED
        topics += [Topic(f"t{first + n}", f"T {n}", None, (), 0.4, f"b fit {fit}") for n in range(count)]
        nothing = np.zeros(DIMENSION, np.float32)
        facts = replace(seeded("c1"), version=fit, centre=nothing, own_centre=nothing)
        fits.append(replace(facts, topics=tuple(topics), centroids=centroids[: len(topics)]))
    return fits


@given(models())
def test_each_topic_is_in_one_group_and_a_later_fit_moves_none(fits: list[TopicModel]) -> None:
    before: list[list[int]] = []
    for model in fits:
        groups = grouped(model)
        assert sorted(row for group in groups for row in group) == list(range(len(model.topics)))
        known = sum(map(len, before))
        # The first fit may find none: what is found first is then grouped with the seeded topics.
        if known > SEEDED:
            assert [group[: len(own)] for group, own in zip(groups, before, strict=False)] == before
            assert all(row >= known for group in groups[len(before) :] for row in group)
        before = groups


@given(models())
def test_what_is_told_of_topics_names_the_leader_of_each_group_first(fits: list[TopicModel]) -> None:
    model = fits[-1]
    told = outlined(model)
    assert {each.id for each in told} == {topic.id for topic in model.topics}
    leaders = list(dict.fromkeys(each.group for each in told))
    assert [each.group for each in told] == [id for id in leaders for each in told if each.group == id]
    assert [each.id for each in told if each.id == each.group] == leaders
    assert told == outlined(TopicModel.from_bytes(model.to_bytes()))


def test_topics_that_are_about_one_thing_are_together_and_others_are_not() -> None:
    base = seeded("c1")
    names = names_from(base.centre)
    labels = ("Movies", "Series", "School", "University", "Cars")
    rows = [next(n for n, name in enumerate(all_names()) if name.label == label) for label in labels]
    found = tuple(Topic(label, label, None, (), 0.4, "b fit 1") for label in labels)
    model = replace(
        base, topics=base.topics + found, centroids=np.vstack([base.centroids, names.centroids[rows]])
    )
    group = {each.id: each.group for each in outlined(model)}
    assert group["Movies"] == group["Series"] != group["School"] == group["University"]
    assert group["flirting"] == group["compliments"]
    assert group["Cars"] not in (group["Movies"], group["School"], group["food"])


def test_a_message_about_a_topic_is_nearer_to_it_than_others_are() -> None:
    told = {each.id: each for each in outlined(seeded("c1"))}
    texts = ["my dog chewed up my shoes", "the guitar solo of that song", "leg day at the gym"]
    vectors = b"".join(packed(embed(texts)))
    near = {id: cosines(told[id].centroid, vectors).argmax() for id in ("pets", "music", "fitness")}
    assert near == {"pets": 0, "music": 1, "fitness": 2}
