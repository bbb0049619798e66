"""`multicloud cost` as a user runs it, on the real API server: amounts, currencies, and what binds."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from multicloud.model.version import FIELD_MANAGER
from multicloud_lab.controlplane import ControlPlane
from support.commandline import multicloud_says
from support.manifests import member, pool

Ask = Callable[..., str]


@pytest.fixture
def ask(our_kinds: ControlPlane, namespace: str) -> Ask:
    """Run `multicloud cost` on two pools, ten nodes each, of which `web` counts in dollars and `api` in euros."""
    _reported(our_kinds, namespace, "web", "USD")
    _reported(our_kinds, namespace, "api", "EUR")

    def cost(*arguments: str) -> str:
        said = multicloud_says("cost", f"--kubeconfig={our_kinds.kubeconfig}", "-n", namespace, *arguments)
        assert said.returncode == 0, said.stderr
        return said.stdout

    return cost


def test_of_one_pool_the_price_of_surviving_is_told(ask: Ask) -> None:
    head, row, binds = ask("web").splitlines()
    assert head.split() == ["POOL", "NOW", "PLANNED", "SAVING"]
    assert row.split() == ["web", "1.80", "1.80", "0.00", "USD", "an", "hour"]
    assert binds == "What binds: allocation.survive[Cloud], which costs 0.8 USD an hour."
    (found,) = json.loads(ask("web", "-o", "json"))["pools"]
    assert found["bindingConstraints"] == [{"name": "allocation.survive[Cloud]", "costsPerHour": "0.8"}]


def test_amounts_of_two_currencies_stand_apart_and_are_never_summed(ask: Ask) -> None:
    _, *rows = (line.split() for line in ask().splitlines())
    assert rows == [
        [name, "1.80", "1.80", "0.00", currency, "an", "hour"] for name, currency in (("api", "EUR"), ("web", "USD"))
    ]
    document = json.loads(ask("-o", "json"))
    assert set(document) == {"pools"}
    assert [(one["name"], one["currency"]) for one in document["pools"]] == [("api", "EUR"), ("web", "USD")]


def _reported(plane: ControlPlane, namespace: str, name: str, currency: str) -> None:
    """A pool at rest, four of its ten units on the dear side for `survive` (docs/allocation.md)."""
    members = [member("cheap", hourlyPrice="0.10"), member("dear", "gke", hourlyPrice="0.30")]
    allocation = {"strategy": "Cost", "survive": [{"loss": "Cloud", "keepPercent": 40}]}
    spec = {"replicas": 10, "maxReplicas": 20, "currency": currency, "allocation": allocation, "members": members}
    plane.kubectl("apply", "--filename=-", input=json.dumps(pool(name, namespace, **spec))).check_returncode()
    status: Mapping[str, Any] = {
        "observedGeneration": 1,
        "requestedReplicas": 10,
        "desiredReplicas": 10,
        "members": [_block("cheap", "aws", 6), _block("dear", "gcp", 4)],
        "plan": {"hourlyCostNow": "1.80", "hourlyCost": "1.80"},
    }
    patch = json.dumps({"status": status})
    where = (f"mcpool/{name}", f"--namespace={namespace}", "--subresource=status", f"--field-manager={FIELD_MANAGER}")
    plane.kubectl("patch", *where, "--type=merge", f"--patch={patch}").check_returncode()


def _block(name: str, cloud: str, nodes: int) -> dict[str, Any]:
    claim = {"key": name, "incarnation": "1", "since": "2026-11-01T00:00:00Z"}
    sizes = {"requestedNodes": nodes, "nodes": nodes, "readyNodes": nodes, "agreedNodes": nodes}
    where = {"name": name, "cloud": cloud, "cluster": "shop", "nodePool": "web", "state": "Active"}
    return {**where, **sizes, "claim": claim, "readySource": "Kubernetes", "adoptionFloor": 0}
