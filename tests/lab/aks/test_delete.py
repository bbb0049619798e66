"""Agent pools and machines deleted: statuses, preconditions, what is left, and the SDK's own pollers."""

from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.mgmt.containerservice.models import AgentPoolDeleteMachinesParameter

from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, GROUP, Pools, Send

LONGEST_S = 181.0
WEB = f"{CLUSTERS}/shop-prod/agentPools/web?api-version=2026-08-01"


def machine_names(pools: Pools, name: str = "web") -> list[str]:
    return [str(machine.name) for machine in pools.azure.machines.list(GROUP, pools.cluster, name)]


def test_a_deleted_pool_drains_and_is_gone(lab: LabThread, pools: Pools, send: Send) -> None:
    accepted = send("DELETE", f"{WEB}&ignore-pod-disruption-budget=true")
    assert accepted.status_code == 202
    assert accepted.headers["Retry-After"] == "10"
    assert pools.get().provisioning_state == "Deleting"
    assert send("GET", accepted.headers["Location"]).status_code == 202
    lab.advance(LONGEST_S)
    assert send("GET", accepted.headers["Azure-AsyncOperation"]).json()["status"] == "Succeeded"
    assert send("GET", accepted.headers["Location"]).status_code == 204
    with pytest.raises(ResourceNotFoundError):
        pools.get()
    entry = next(entry for entry in lab.journal() if entry["operation"] == "AgentPools_Delete")
    assert (entry["effective"], entry["from"], entry["to"]) == (True, 4, 0)
    assert send("DELETE", WEB).status_code == 204
    assert lab.violations() == []


def test_the_sdks_poller_waits_for_the_deletion(lab: LabThread, pools: Pools) -> None:
    lab.run(lambda inside: setattr(inside.clock, "factor", 1000.0))
    poller = pools.azure.agent_pools.begin_delete(GROUP, pools.cluster, "web", polling_interval=0, headers={})
    poller.wait(60)
    assert poller.status() == "Succeeded"
    assert [pool.name for pool in pools.azure.agent_pools.list(GROUP, pools.cluster)] == ["system"]


def test_a_stale_etag_keeps_the_pool(pools: Pools) -> None:
    with pytest.raises(ResourceModifiedError):
        pools.azure.agent_pools.begin_delete(
            GROUP, pools.cluster, "web", etag="stale", match_condition=MatchConditions.IfNotModified, polling=False
        )
    assert pools.get().provisioning_state == "Succeeded"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        pytest.param(WEB.replace("web", "system"), 400, "OperationNotAllowed", id="last-system-pool"),
        pytest.param(f"{WEB}&ignore-pod-disruption-budget=maybe", 400, "InvalidParameter", id="no-boolean"),
        pytest.param(WEB.replace("shop-prod", "none"), 404, "ResourceNotFound", id="no-cluster"),
    ],
)
def test_refused_deletions(pools: Pools, send: Send, path: str, status: int, code: str) -> None:
    answer = send("DELETE", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert {pool.provisioning_state for pool in pools.azure.agent_pools.list(GROUP, "shop-prod")} == {"Succeeded"}


def test_a_running_operation_forbids_the_deletion(pools: Pools, send: Send) -> None:
    pools.resize(6)
    answer = send("DELETE", WEB)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "OperationNotAllowed")


def test_chosen_machines_go_and_are_not_replaced(lab: LabThread, pools: Pools) -> None:
    before = machine_names(pools)
    lab.run(lambda inside: setattr(inside.clock, "factor", 1000.0))
    poller: Any = pools.azure.agent_pools.begin_delete_machines(
        GROUP,
        pools.cluster,
        "web",
        AgentPoolDeleteMachinesParameter(machine_names=[before[0], before[2]]),
        polling_interval=0,
    )
    poller.wait(60)
    assert poller.status() == "Succeeded"
    assert machine_names(pools) == [before[1], before[3]]
    assert pools.get().count == 2
    assert lab.violations() == []


@pytest.mark.parametrize(
    ("pool", "body", "code"),
    [
        pytest.param("web", {"machineNames": ["aks-none-1-vmss000000"]}, "InvalidParameter", id="unknown"),
        pytest.param("web", {"machineNames": []}, "InvalidRequestContent", id="none"),
        pytest.param("web", {}, "InvalidRequestContent", id="missing"),
        pytest.param("system", None, "InvalidParameter", id="all-of-a-system-pool"),
    ],
)
def test_refused_machines(pools: Pools, send: Send, pool: str, body: Any, code: str) -> None:
    body = {"machineNames": machine_names(pools, pool)} if body is None else body
    path = f"{CLUSTERS}/shop-prod/agentPools/{pool}/deleteMachines?api-version=2026-08-01"
    answer = send("POST", path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert pools.get(pool).provisioning_state == "Succeeded"


def test_a_deletion_can_be_aborted(lab: LabThread, pools: Pools, send: Send) -> None:
    send("DELETE", WEB)
    lab.advance(20)
    abort = pools.azure.agent_pools.begin_abort_latest_operation(GROUP, pools.cluster, "web", polling=False)
    abort.wait()
    lab.advance(10)
    assert (pools.get().provisioning_state, pools.get().count) == ("Canceled", 4)
    lab.advance(LONGEST_S)
    assert len(machine_names(pools)) == 4
    with pytest.raises(HttpResponseError):
        pools.azure.agent_pools.begin_abort_latest_operation(GROUP, pools.cluster, "web", polling=False)
