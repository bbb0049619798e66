"""The acts of the demo: what each is applied from, when it has come true, and what an unknown one is told."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from multicloud.cli.demo.acts.load import A_UNIT, HIGH, LOAD, LOW
from multicloud.cli.demo.acts.registry import ACTS
from multicloud.cli.demo.acts.saving import saves
from multicloud.cli.demo.failure import DemoError
from multicloud.cli.demo.ground import SAMPLES, read_samples
from multicloud.cli.demo.source import SERIES
from multicloud.cli.demo.story import Act
from multicloud.cli.root import root
from multicloud.cli.shown import PoolRow, pool_row


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_an_act_is_applied_from_accounts_and_one_pool(act: Act) -> None:
    found = read_samples(SAMPLES, act.manifests)
    assert [body["metadata"]["name"] for body in found if body["kind"] == "MultiCloudPool"] == ["web"]
    accounts = {body["metadata"]["name"] for body in found if body["kind"] == "CloudAccount"}
    (pool,) = (body for body in found if body["kind"] == "MultiCloudPool")
    assert {member["accountRef"]["name"] for member in pool["spec"]["members"]} <= accounts


def test_the_policy_of_the_load_asks_the_source_for_what_it_tells() -> None:
    (policy,) = (body for body in read_samples(SAMPLES, LOAD.manifests) if body["kind"] == "ScalingPolicy")
    assert (policy["metadata"]["name"], policy["spec"]["poolRef"]["name"]) == ("web", "web")
    (metric,) = policy["spec"]["metrics"]
    assert metric["prometheus"] == {"source": "main", "query": f"sum({SERIES})"}
    assert metric["target"] == {"type": "AverageValue", "value": str(A_UNIT)}
    assert policy["spec"]["minReplicas"] <= LOW < HIGH <= policy["spec"]["maxReplicas"]


@pytest.mark.parametrize("page", ["README.md", "docs/try-it.md"])
def test_a_page_names_every_act_but_the_usual_one_and_no_other(page: str) -> None:
    named = re.findall(r"--act (\w+)", (SAMPLES.parents[1] / page).read_text())
    assert {*named} == {*ACTS} - {next(iter(ACTS))}


def test_a_directory_without_the_act_is_told_which_files_are_missing(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"accounts\.yaml or saving/pool\.yaml"):
        read_samples(tmp_path, ACTS["saving"].manifests)


def test_an_unknown_act_is_refused_with_those_there_are() -> None:
    said = CliRunner().invoke(root, ["demo", "--act", "tragedy"])
    assert said.exit_code == 2
    assert all(name in said.output for name in ACTS)


def costing(now: str | None, then: str | None) -> PoolRow:
    return pool_row({"status": {"plan": {"hourlyCostNow": now, "hourlyCost": then}}})


@pytest.mark.parametrize(
    ("seen", "it_saves"),
    [
        (costing("2.00", "1.50"), True),
        (costing("10.00", "9.00"), True),
        (costing("2.00", "2.00"), False),
        (costing("1.50", "2.00"), False),
        (costing(None, "1.50"), False),
        (costing("2.00", None), False),
        (pool_row({}), False),
    ],
    ids=["less", "less, with fewer digits", "the same", "more", "now unknown", "then unknown", "no plan"],
)
def test_a_plan_saves_when_the_pool_costs_less_at_its_end(*, seen: PoolRow, it_saves: bool) -> None:
    assert saves(seen) == it_saves
