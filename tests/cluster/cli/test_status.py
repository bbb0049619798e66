import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest
import yaml

from multicloud_lab.controlplane import ControlPlane
from support.commandline import multicloud_says
from support.manifests import member, policy, pool

STATUS: Mapping[str, Any] = {
    "observedGeneration": 1,
    "replicas": 3,
    "selector": "multicloud.dev/pool=web",
    "desiredReplicas": 5,
    "members": [
        {
            "name": "east",
            "cloud": "aws",
            "cluster": "shop-prod",
            "nodePool": "web",
            "state": "Active",
            "requestedNodes": 5,
            "nodes": 4,
            "readyNodes": 3,
            "targetNodes": 5,
            "reason": "OperationRunning",
            "message": "the cloud works on it",
        }
    ],
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "EnoughReady",
            "message": "enough units are ready",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ],
}

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(our_kinds: ControlPlane) -> Ask:
    """Run `multicloud status` on the real API server: exit code and both outputs."""

    def status(*arguments: str) -> tuple[int, str, str]:
        said = multicloud_says("status", f"--kubeconfig={our_kinds.kubeconfig}", *arguments)
        return said.returncode, said.stdout, said.stderr

    return status


@pytest.fixture
def pool_of_two(our_kinds: ControlPlane, namespace: str) -> str:
    """A pool `web` on which an operator has reported, with one member newer than the report; its namespace."""
    body = pool("web", namespace, members=[member("east"), member("new", "gke")])
    our_kinds.kubectl("apply", "--filename=-", input=json.dumps(body)).check_returncode()
    patch = json.dumps({"status": deepcopy(dict(STATUS))})
    our_kinds.kubectl(
        "patch", "mcpool/web", f"--namespace={namespace}", "--subresource=status", "--type=merge", f"--patch={patch}"
    ).check_returncode()
    return namespace


def test_the_table_shows_pool_and_members_with_what_nobody_knows_as_a_question_mark(ask: Ask, pool_of_two: str) -> None:
    code, table, _ = ask("-n", pool_of_two)
    assert code == 0
    head, *rows = [line.split() for line in table.splitlines() if line.strip()]
    assert head == ["POOL", "WHERE", "TARGET", "READY", "NODES", "STATE", "REASON"]
    assert rows == [
        ["web", "5", "3", "Ready", "EnoughReady"],
        ["east", "aws", "shop-prod/web", "5", "3", "4", "Active", "OperationRunning"],
        ["new", "gcp", "shop-batch/web", "?", "?", "?", "Active"],
    ]


def test_a_policy_stands_beneath_its_pool_and_its_facts_in_json(
    ask: Ask, our_kinds: ControlPlane, pool_of_two: str
) -> None:
    for body in (policy("load", pool_of_two), policy("other", pool_of_two, poolRef={"name": "elsewhere"})):
        our_kinds.kubectl("apply", "--filename=-", input=json.dumps(body)).check_returncode()
    _, table, _ = ask("-n", pool_of_two)
    assert [line.split() for line in table.splitlines()][2] == ["load", "policy", "?", "Idle", "NotYetObserved"]
    assert "other" not in table
    _, said, _ = ask("web", "-n", pool_of_two, "-o", "json")
    assert json.loads(said)["policies"] == [
        {
            "name": "load",
            "decides": False,
            "desiredReplicas": None,
            "recentReplicas": [],
            "decidedBy": None,
            "reason": "NotYetObserved",
            "message": "no operator has reported on this policy yet",
        }
    ]


def test_wide_adds_bounds_and_sentences(ask: Ask, pool_of_two: str) -> None:
    code, table, _ = ask("web", "-n", pool_of_two, "-o", "wide")
    assert code == 0
    for shown in ("1–10 units", "the cloud works on it", "enough units are ready"):
        assert shown in table


def test_every_namespace_is_listed_with_its_name(ask: Ask, pool_of_two: str) -> None:
    code, table, _ = ask("-A")
    assert code == 0
    assert [pool_of_two, "web"] in [line.split()[:2] for line in table.splitlines()]


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_objects_are_printed_as_the_api_server_has_them(
    ask: Ask, pool_of_two: str, form: str, read: Callable[[str], Any]
) -> None:
    code, text, _ = ask("web", "-n", pool_of_two, "-o", form)
    assert code == 0
    one = read(text)
    assert (one["kind"], one["metadata"]["name"], one["status"]["desiredReplicas"]) == ("MultiCloudPool", "web", 5)
    _, text, _ = ask("-n", pool_of_two, "-o", form)
    assert [item["metadata"]["uid"] for item in read(text)["items"]] == [one["metadata"]["uid"]]


def test_a_pool_that_does_not_exist_is_an_error_that_says_what_to_try(ask: Ask, namespace: str) -> None:
    code, out, problem = ask("nothing", "-n", namespace)
    assert (code, out) == (1, "")
    assert "nothing" in problem
    assert "status -A" in problem


def test_a_namespace_without_pools_is_no_error(ask: Ask, namespace: str) -> None:
    code, out, note = ask("-n", namespace)
    assert (code, out) == (0, "")
    assert namespace in note


def test_without_rights_the_servers_own_words_are_told(our_kinds: ControlPlane, namespace: str) -> None:
    nobody = our_kinds.kubeconfig_for("nobody")
    said = multicloud_says("status", f"--kubeconfig={nobody}", "-n", namespace)
    assert said.returncode == 1
    assert "nobody" in said.stderr
    assert "Traceback" not in said.stderr


def test_colours_are_for_terminals_only(ask: Ask, pool_of_two: str) -> None:
    _, table, _ = ask("-n", pool_of_two)
    assert "\x1b" not in table


def test_a_name_and_every_namespace_contradict_each_other(ask: Ask) -> None:
    code, _, _ = ask("web", "-A")
    assert code == 2
