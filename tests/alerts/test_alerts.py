"""The alert rules: tried by promtool, and true to the metrics, conditions, reasons and pages that they name."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from multicloud.cli.reference.metrics import described_metrics
from multicloud.decide import decide
from multicloud.model.account import AccountObject
from multicloud.model.reason import Code
from multicloud.report.conditions import account_conditions, pool_conditions
from support.builders import NOW, POOL, member, snapshot
from support.markdown import anchors
from support.prometheus_programs import promtool_says

TREE = Path(__file__).parents[2]
RULES = TREE / "charts" / "multicloud-operator" / "files" / "alerts.yaml"
TRIED = TREE / "tests" / "alerts" / "alerts.yaml"
OPERATIONS = TREE / "docs" / "operations.md"

Rule = dict[str, Any]


def rules() -> list[Rule]:
    groups: list[Rule] = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALL = [pytest.param(rule, id=rule["alert"]) for rule in rules()]


def test_promtool_finds_no_fault_in_the_rules() -> None:
    checked = promtool_says("check", "rules", str(RULES))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_alerts_fire_when_they_should() -> None:
    tried = promtool_says("test", "rules", str(TRIED))
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_every_alert_is_tried_quiet_and_firing() -> None:
    tried: set[tuple[str, bool]] = set()
    for story in yaml.safe_load(TRIED.read_text())["tests"]:
        tried |= {(check["alertname"], bool(check["exp_alerts"])) for check in story["alert_rule_test"]}
    names = {rule["alert"] for rule in rules()}
    # An alert that fires on anything at all is quiet nowhere.
    assert {name for name, fires in tried if fires} == names
    assert {name for name, fires in tried if not fires} == names


@pytest.mark.parametrize("rule", ALL)
def test_an_alert_says_what_where_to_read_on_and_how_bad(rule: Rule) -> None:
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["for"]


@pytest.mark.parametrize("rule", ALL)
def test_every_metric_of_an_alert_is_one_of_the_composed_operator(rule: Rule) -> None:
    served = {metric.name: set(metric.labels) for metric in described_metrics()}
    named = re.findall(r"\b((?:multicloud|leader_election|workqueue)_\w+)(?:\{([^}]*)\})?", rule["expr"])
    assert named
    for metric, matchers in named:
        assert metric in served
        assert set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)", matchers)) <= served[metric]


def _conditions() -> dict[str, set[str]]:
    """The types that are told of each kind."""
    seen = snapshot(member("a", 4), replicas=4)
    account = AccountObject(key=POOL, uid="u", generation=1, resource_version="1", spec=None)
    return {
        "MultiCloudPool": {one.type for one in pool_conditions(seen, decide(seen), stalled=False)},
        "CloudAccount": {one.type for one in account_conditions(account, None, fatal=False, now=NOW)},
    }


@pytest.mark.parametrize("rule", ALL)
def test_every_condition_of_an_alert_is_one_that_is_told(rule: Rule) -> None:
    told = _conditions()
    for matchers in re.findall(r"multicloud_status_condition\{([^}]*)\}", rule["expr"]):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', matchers))
        kinds = [labels["kind"]] if "kind" in labels else list(told)
        assert all(labels["type"] in told[kind] for kind in kinds)
        assert labels["status"] in {"True", "False", "Unknown"}


@pytest.mark.parametrize("rule", ALL)
def test_the_runbook_of_an_alert_is_a_section_of_the_page_of_operations(rule: Rule) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert page == "docs/operations.md"
    if anchor == "{{ $labels.reason | toLower }}":
        return  # every reason that a person can see has a section: see tests/docs
    assert anchor in anchors(OPERATIONS)


def test_the_reason_left_out_by_an_alert_is_one_of_ours() -> None:
    left_out = [pattern for rule in rules() for pattern in re.findall(r'reason!~"([^"]*)"', rule["expr"])]
    assert left_out
    assert all(any(re.fullmatch(pattern, code) for code in Code) for pattern in left_out)


def test_kustomize_installs_the_same_rules_as_the_chart() -> None:
    installed = yaml.safe_load((TREE / "deploy" / "alerts" / "rules.yaml").read_text())
    assert installed["spec"]["groups"] == yaml.safe_load(RULES.read_text())["groups"]
