"""The documents say what the code does: settings, routes, dependencies, commands and links."""

import re
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute

from graph import traversals
from insights import behind, fan_queries, money, queries, team
from insights.risk_features import FEATURES
from local.ray import LIMITS
from metrics.declared import BY_NAME
from settings import Settings
from wire.fans import (
    Cohort,
    CohortMonth,
    Cohorts,
    FanInsight,
    Fans,
    NoRisk,
    ReliabilityBin,
    RiskModel,
    RiskPart,
    Segment,
    SegmentCount,
)
from wire.found import FoundMessage, SearchAnswer
from wire.payloads import ConversionRow, Converted, CountedConversations, Payload, PpvFunnel, PpvRow
from wire.team import (
    AnswerTimes,
    ComparedColumn,
    Comparison,
    HeatCell,
    HeatFigures,
    Heatmap,
    People,
    TeamFigures,
    TeamRow,
)

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def rows(page: str) -> list[list[str]]:
    """The cells of every table row of a page in docs/."""
    lines = (DOCS / page).read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def first_names(page: str) -> set[str]:
    """What stands in backticks in the first column of a page's tables."""
    return {found[1] for row in rows(page) if (found := re.fullmatch(r"`([^`]+)`", row[0]))}


def project() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return loaded["project"]  # type: ignore[no-any-return]


def name_of(requirement: str) -> str:
    return re.split(r"[\[=<>~! ]", requirement, maxsplit=1)[0]


@cache
def routes() -> frozenset[str]:
    """Every path of the service, without the sockets' second copy under /api."""
    api: FastAPI = build_api(Settings())
    sockets = {path for path in websockets(api) if not path.startswith("/api/")}
    return frozenset(api.openapi()["paths"]) | sockets


def websockets(api: FastAPI) -> set[str]:
    found = iter_route_contexts(api.routes)
    return {str(each.path) for each in found if isinstance(each.original_route, WebSocketRoute)}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    assert first_names("settings.md") == {field.metadata["env"] for field in fields(Settings)}


def test_the_documented_defaults_are_the_defaults() -> None:
    settings = Settings().env()
    documented = {row[0].strip("`"): row[1].strip("`") for row in rows("settings.md")}
    for name, value in settings.items():
        shown = "" if documented[name] == "empty" else documented[name]
        assert shown == value or float(shown) == float(value), name


def test_every_setting_has_a_unit_and_a_meaning() -> None:
    names = first_names("settings.md")
    for row in rows("settings.md"):
        if row[0].strip("`") in names:
            assert len(row) == 4
            assert all(row), row[0]


def test_the_time_limits_that_the_launcher_sets_are_documented() -> None:
    found = [row for row in rows("operations.md") if re.fullmatch("`RAY_[^`]+`", row[0])]
    documented = {row[0].strip("`"): row[1] for row in found}
    assert documented == LIMITS


def test_the_documented_metrics_are_those_that_are_declared() -> None:
    documented = {
        row[0].strip("`"): row[1:] for row in rows("operations.md") if row[0].startswith("`analytics_")
    }
    assert documented == {
        name: [
            type(each).__name__.lower(),
            each.unit,
            f"`{each.label}`" if each.label else "",
            each.description,
        ]
        for name, each in BY_NAME.items()
    }


def test_every_route_is_in_the_protocol() -> None:
    text = (DOCS / "protocol.md").read_text()
    assert {"/ws/frontend/{user_id}", "/ws/extension/{user_id}", "/api/v1/users"} <= routes()
    missing = {route for route in routes() if f"{route}`" not in text}
    assert missing == set()


def test_every_route_in_the_documents_exists() -> None:
    for page in PAGES:
        named = re.findall(r"`(?:GET |POST )?(/(?:api|ws|health|ready)\b[^`?]*)`", page.read_text())
        assert set(named) - {"/api"} <= routes(), page.name


def test_every_dependency_has_a_reason_and_every_reason_a_dependency() -> None:
    wanted = project()["dependencies"] + project()["optional-dependencies"]["dev"]
    assert first_names("dependencies.md") == {name_of(each) for each in wanted}
    for row in rows("dependencies.md"):
        assert len(row) == 3
        assert all(row), row[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_in_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z][\w-]*)", page.read_text(), re.MULTILINE))
    assert named <= targets


def test_the_readme_names_every_make_target() -> None:
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets
    text = (ROOT / "README.md").read_text()
    assert [target for target in targets[1].split() if f"make {target}" not in text] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "--hash=sha256:" in text
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("| `NO_SUCH` | `1` | s | x |\n", test_every_setting_is_documented_and_every_documented_one_exists),
        ("| `nosuch` | x | MIT |\n", test_every_dependency_has_a_reason_and_every_reason_a_dependency),
        ("`GET /api/v1/nosuch`\n", test_every_route_in_the_documents_exists),
        (
            "| `analytics_nosuch` | gauge | s | | x |\n",
            test_the_documented_metrics_are_those_that_are_declared,
        ),
    ],
)
def test_what_does_not_exist_is_found(
    text: str, check: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for page in DOCS.glob("*.md"):
        (tmp_path / page.name).write_text(page.read_text() + "\n" + text)
    monkeypatch.setattr(f"{__name__}.DOCS", tmp_path)
    monkeypatch.setattr(f"{__name__}.PAGES", sorted(tmp_path.glob("*.md")))
    with pytest.raises(AssertionError):
        check()


@pytest.mark.parametrize(
    "answer",
    [
        *(Converted, ConversionRow, PpvRow, PpvFunnel, CountedConversations),
        *(AnswerTimes, TeamFigures, TeamRow, People, ComparedColumn, Comparison),
        *(HeatFigures, HeatCell, Heatmap),
    ],
)
def test_every_field_of_an_answer_about_money_or_people_is_in_the_metrics(answer: type[Payload]) -> None:
    check_fields(answer)


@pytest.mark.parametrize(
    "answer",
    [
        *(Fans, FanInsight, SegmentCount, RiskModel, RiskPart, ReliabilityBin),
        *(Cohorts, Cohort, CohortMonth),
    ],
)
def test_every_field_of_an_answer_about_fans_is_in_the_metrics(answer: type[Payload]) -> None:
    check_fields(answer)


def test_every_segment_feature_and_reason_is_in_the_metrics() -> None:
    reasons = {name for each in get_args(NoRisk) for name in (get_args(each) or (each,))}
    text = (DOCS / "metrics.md").read_text()
    named = {*get_args(Segment), *FEATURES, *reasons}
    assert [name for name in sorted(named) if not re.search(rf"^\| .*`{name}`", text, re.MULTILINE)] == []


def check_fields(answer: type[Payload]) -> None:
    text = (DOCS / "metrics.md").read_text()
    scope = {"creatorId", "startDate", "endDate", "as_of"}
    missing = [
        name for name in set(answer.model_fields) - scope if not re.search(rf"`[^`]*\b{name}\b[^`]*`", text)
    ]
    assert missing == []


@pytest.mark.parametrize("answer", [SearchAnswer, FoundMessage])
def test_every_field_and_parameter_of_a_search_is_in_its_page(answer: type[Payload]) -> None:
    text = (DOCS / "search.md").read_text()
    asked = build_api(Settings()).openapi()["paths"]["/api/v1/search"]["get"]["parameters"]
    assert [each["name"] for each in asked if f"`{each['name']}`" not in text] == []
    assert [name for name in answer.model_fields if f'"{name}"' not in text] == []


def test_every_question_that_answers_a_metric_is_in_the_metrics() -> None:
    texts = {
        text
        for module in (queries, money, team, fan_queries, behind)
        for text in vars(module).values()
        if isinstance(text, str)
    }
    asked = {name for name, text in vars(traversals).items() if isinstance(text, str) and text in texts}
    assert {"CONVERSATIONS", "SALES", "TARGETS", "ACTIVITY", "PROFILES"} <= asked
    rows_of = " ".join(row[0] for row in rows("metrics.md"))
    assert [name for name in sorted(asked) if f"`{name}`" not in rows_of] == []
