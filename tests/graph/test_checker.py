import math
from typing import Any

import pytest

from errors import GraphError, QueryRefused
from graph.checker import DEEPEST, LARGEST_SCRIPT, MOST_STEPS, check
from graph.model import Scalar
from graph.traversals import ACROSS_PARTITIONS, QUESTIONS

BINDINGS: dict[str, Scalar] = {
    "pk": "u/c",
    "start": 1,
    "end": 2,
    "user_id": "u",
    "creator_id": "c",
    "schema": 1,
    "a": "u/c",
    "b": "conv:c1:m1",
    "c": 3,
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_keeps_the_rules(name: str) -> None:
    window = {"pk", "start", "end"}
    names: set[str] = {
        "accounts": set(),
        "accounts_of_user": {"user_id"},
        "accounts_of_creator": {"creator_id"},
        "conversation_count": {"pk"},
        "fans": {"pk"},
        "profiles": {"pk"},
        "written": {"schema"},
        "written_of_user": {"schema", "user_id"},
        "newer": {"schema"},
        "partitions": set(),
        "without_partition": set(),
    }.get(name, window)
    check(QUESTIONS[name], {each: BINDINGS[each] for each in names})


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("g.V([a,b]).count()", "ab"),
        ('g.V().has("pk",eq(a)).hasLabel("Fan").range(0,20).values("spend")', "a"),
        ('g.E().has("pk",a).hasId(b).drop()', "ab"),
        ('g.V([a,b]).out("USES_ENGAGEMENT").where(__.has("type",within(a,b))).count()', "ab"),
        ('g.V([a,b]).group().by("chatId").by(__.count())', "ab"),
    ],
)
def test_a_traversal_of_one_partition_passes(script: str, names: str) -> None:
    check(script, {each: BINDINGS[each] for each in names})


START = 'g.V().has("pk",a)'


@pytest.mark.parametrize(
    ("script", "names", "rule"),
    [
        ("", "", "grammar"),
        ("g", "", "grammar"),
        ("g.V(", "", "grammar"),
        ("g.V() g.V()", "", "grammar"),
        ("g.V().has('pk',a)", "a", "grammar"),
        ('g.V().has("p\\"k",a)', "a", "grammar"),
        ('g.V().has("pk","${a}")', "", "partition"),
        (f'{START}.values("sp${{end}}")', "a", "literals"),
        (f"{START}.map{{it.get()}}", "a", "grammar"),
        (f"{START}.limit(-1)", "a", "grammar"),
        (f"{START}.limit(1.5)", "a", "grammar"),
        (f"{START}.count;g.V()", "a", "one traversal"),
        (f"{START}.drop();g.V([a,b]).drop()", "ab", "one traversal"),
        # the start
        ('g.addV("Fan")', "", "start"),
        ("g.inject(a)", "a", "start"),
        ('g.V().hasLabel("Fan").count()', "", "partition"),
        ('g.V().hasLabel("Fan").has("pk",a).count()', "a", "partition"),
        ('g.V().has("pk","u1").count()', "", "partition"),
        ('g.V().has("pk",neq(a)).count()', "a", "partition"),
        ('g.V().has("pk").count()', "", "partition"),
        ("g.V(a).count()", "a", "partition"),
        ("g.V(a,b).count()", "ab", "partition"),
        ("g.V([a,b],[a,b]).count()", "ab", "partition"),
        ("g.E(a).drop()", "a", "partition"),
        ("g.E([a,b]).drop()", "ab", "partition"),
        ("g.V()", "", "partition"),
        (next(iter(sorted(ACROSS_PARTITIONS))) + ".limit(5)", "", "partition"),
        # later starts
        ("g.V([a,b]).V([a,b])", "ab", "one start"),
        ("g.V([a,b]).where(__.V([a,b]))", "ab", "one start"),
        ("g.V([a,b]).coalesce(__.unfold(),__.V(b))", "ab", "one start"),
        ("g.V([a,b]).coalesce(__.unfold(),__.V())", "ab", "one start"),
        ("g.V([a,b]).coalesce(__.unfold(),__.E([a,b]))", "ab", "one start"),
        ("g.V([a,b]).coalesce(__.unfold(),__.out().V([a,b]))", "ab", "one start"),
        # steps and comparisons
        (f"{START}.iterate()", "a", "allowed steps"),
        (f"{START}.elementMap()", "a", "allowed steps"),
        (f"{START}.valueMap()", "a", "allowed steps"),
        (f"{START}.sideEffect(__.drop())", "a", "allowed steps"),
        (f"{START}.choose(__.count())", "a", "allowed steps"),
        (f"{START}.where(__.match(__.count()))", "a", "allowed steps"),
        ("g.V([a,b]).mergeE(c)", "abc", "allowed steps"),
        (f'{START}.has("rev",P.lt(c))', "ac", "grammar"),
        (f'{START}.has("rev",without(c))', "ac", "allowed predicates"),
        (f"{START}.coalesce(unfold())", "a", "allowed predicates"),
        (f'{START}.has("rev",eq(__.count()))', "a", "comparisons"),
        (f'{START}.has("rev",eq(lt(c)))', "ac", "comparisons"),
        (f"{START}.property(T.id,b)", "ab", "grammar"),
        (f"{START}.by(T.id)", "a", "grammar"),
        (f'{START}.order().by("rev",Order.desc)', "a", "grammar"),
        # values
        (f'{START}.has("fanId","f1")', "a", "literals"),
        (f'{START}.has("rev",lt(5))', "a", "literals"),
        (f'{START}.property("spend",5)', "a", "property"),
        (f"{START}.constant(7)", "a", "literals"),
        (f"{START}.limit(4294967296)", "a", "literals"),
        (f'{START}.property("colour",b)', "ab", "literals"),
        (f'{START}.has("rev",within([a,b]))', "ab", "comparisons"),
        (f"{START}.hasId([a,b])", "ab", "lists"),
        (f'{START}.property("spend",[a,b])', "ab", "lists"),
        ('g.V([a,"x"])', "a", "grammar"),
        ("g.V([a,b,c])", "abc", "grammar"),
        # elements
        ('g.V([a,b]).property("pk",c)', "abc", "partition of an element"),
        ('g.V([a,b]).addE("DISCUSS_TOPIC").property("pk",a)', "ab", "partition of an element"),
        ('g.V([a,b]).property("id",c)', "abc", "id of an element"),
        ("g.V([a,b]).property(c,c)", "abc", "property"),
        ('g.V([a,b]).property("rev",null)', "ab", "bindings"),
        ('g.V([a,b]).property("rev",c,c)', "abc", "property"),
        # limits
        (START + '.has("rev",c)' * 10, "ac", "conditions"),
        (START + ".fold().unfold()" * (MOST_STEPS // 2), "a", "number of steps"),
        (START + " " * LARGEST_SCRIPT + ".count()", "a", "script size"),
        (START + ".local(__.out()" * (DEEPEST + 1) + ")" * (DEEPEST + 1), "a", "depth"),
        (START + '.has("rev",' + "eq(" * 9_000 + "c" + ")" * 9_001, "ac", "depth"),
    ],
)
def test_a_script_that_breaks_a_rule_is_refused_by_its_name(script: str, names: str, rule: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        check(script, {each: BINDINGS[each] for each in names})
    assert f"{rule!r}" in str(refused.value)
    assert isinstance(refused.value, GraphError)


def test_the_limits_themselves_are_within_the_rules() -> None:
    check("g.V([a,b])" + ".fold()" * (MOST_STEPS - 1), {"a": 1, "b": 2})
    check('g.V().has("pk",a)' + '.has("rev",c)' * 9, {"a": 1, "c": 2})
    check("g.V([a,b])" + " " * (LARGEST_SCRIPT - 11), {"a": 1, "b": 2})


@pytest.mark.parametrize("bindings", [{}, {"a": 1}, {"a": 1, "b": 2, "c": 3}])
def test_bindings_that_are_missing_or_too_many_are_refused(bindings: dict[str, Any]) -> None:
    with pytest.raises(QueryRefused, match="'bindings'"):
        check("g.V([a,b])", bindings)


@pytest.mark.parametrize(
    "value", [None, [1], ("x",), {}, {"a": 1}, b"x", math.nan, math.inf, 2**63, -(2**64)]
)
def test_a_binding_that_is_no_plain_value_is_refused(value: Any) -> None:
    with pytest.raises(QueryRefused, match="'binding values'") as refused:
        check("g.V([a,b])", {"a": "confidential", "b": value})
    assert "confidential" not in str(refused.value)


@pytest.mark.parametrize("value", ["", "'; g.V().drop()", 0, -1, 2**63 - 1, 0.5, True])
def test_any_plain_value_may_be_bound(value: Any) -> None:
    check("g.V([a,b])", {"a": "u/c", "b": value})


def test_a_refusal_quotes_nothing_of_the_script() -> None:
    with pytest.raises(QueryRefused) as refused:
        check('g.V().has("pk","confidential")', {})
    assert "confidential" not in str(refused.value)
