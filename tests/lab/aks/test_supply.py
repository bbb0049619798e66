"""Without machines or quota: what operations end with, what stays, and how it heals. Permissions, too."""

from dataclasses import replace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.seed import AksCluster, AksPool, AzureSeed, Seed, SeedError
from multicloud_lab.serve import make_lab
from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, GROUP, SUBSCRIPTION, Pools, Send, engine_of

LONGEST_S = 300.0
WEB = f"{CLUSTERS}/shop-prod/agentPools/web"
GROUP_PATH = CLUSTERS.partition("/providers")[0]
PERMISSIONS = "providers/Microsoft.Authorization/permissions?api-version=2022-04-01"


def switch(lab: LabThread, **changes: Any) -> None:
    def turn(inside: Lab) -> None:
        engine_of(inside).switches = replace(engine_of(inside).switches, **changes)

    lab.run(turn)


def set_free(lab: LabThread, zone: str | None, free: int | None) -> None:
    lab.run(lambda inside: inside.capacity.set_free("azure", zone, None, free))


def test_one_zone_without_machines_is_made_up_for_by_the_others(lab: LabThread, pools: Pools) -> None:
    set_free(lab, "westeurope-1", 0)
    pools.resize(8)
    lab.advance(LONGEST_S)
    assert pools.get().provisioning_state == "Succeeded"


@pytest.mark.parametrize(
    ("changes", "code", "count"),
    [
        pytest.param({}, "ZonalAllocationFailed", 8, id="default"),
        pytest.param({"stockout_code": "SkuNotAvailable"}, "SkuNotAvailable", 8, id="code"),
        pytest.param({"failed_count": "machines"}, "ZonalAllocationFailed", 5, id="count"),
    ],
)
def test_a_stockout_fails_the_operation_until_there_are_machines(
    lab: LabThread, pools: Pools, send: Send, changes: dict[str, Any], code: str, count: int
) -> None:
    switch(lab, **changes)
    set_free(lab, None, 1)
    pools.resize(8)
    lab.advance(LONGEST_S)
    told = send("GET", pools.headers["Azure-AsyncOperation"]).json()
    assert (told["status"], told["error"]["code"]) == ("Failed", code)
    assert (pools.get().provisioning_state, pools.get().count) == ("Failed", count)
    assert len(list(pools.azure.machines.list(GROUP, "shop-prod", "web"))) == 5
    assert lab.violations() == []
    set_free(lab, None, None)
    pools.put({"properties": {"count": 8}})
    lab.advance(LONGEST_S)
    assert (pools.get().provisioning_state, pools.get().status) == ("Succeeded", None)
    assert len(list(pools.azure.machines.list(GROUP, "shop-prod", "web"))) == 8


@pytest.mark.parametrize("at_once", [True, False])
def test_a_quota_is_refused_at_once_or_in_the_operation(lab: LabThread, pools: Pools, at_once: bool) -> None:
    switch(lab, quota_refused_at_once=at_once)
    lab.run(lambda inside: inside.quotas.set_limit("azure", SUBSCRIPTION, "westeurope", Limit(vcpus=60)))
    if at_once:
        with pytest.raises(HttpResponseError) as caught:
            pools.resize(8)
        assert caught.value.status_code == 400
        assert caught.value.error is not None
        assert caught.value.error.code == "ErrCode_InsufficientVCPUQuota"
        assert (pools.get().provisioning_state, pools.get().count) == ("Succeeded", 4)
        return
    pools.resize(8)
    lab.advance(LONGEST_S)
    failed = pools.get().status
    assert failed is not None
    assert failed.provisioning_error is not None
    assert failed.provisioning_error.code == "ErrCode_InsufficientVCPUQuota"


def test_shrinking_needs_no_quota(lab: LabThread, pools: Pools) -> None:
    lab.run(lambda inside: inside.quotas.set_limit("azure", SUBSCRIPTION, "westeurope", Limit(vcpus=1)))
    pools.resize(2)
    lab.advance(LONGEST_S)
    assert (pools.get().provisioning_state, pools.get().count) == ("Succeeded", 2)


def client_id(lab: LabThread) -> str:
    return str(lab.document["credentials"]["azure"]["clientId"])


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", CLUSTERS, "managedClusters/read"),
        ("GET", WEB, "managedClusters/agentPools/read"),
        ("PUT", WEB, "managedClusters/agentPools/write"),
        ("DELETE", WEB, "managedClusters/agentPools/delete"),
        ("POST", f"{WEB}/abort", "managedClusters/agentPools/abort/action"),
        ("POST", f"{WEB}/deleteMachines", "managedClusters/agentPools/deleteMachines/action"),
        ("GET", f"{WEB}/machines", "managedClusters/agentPools/machines/read"),
    ],
)
def test_a_denied_action_is_named(
    lab: LabThread, pools: Pools, send: Send, method: str, path: str, action: str
) -> None:
    full = f"Microsoft.ContainerService/{action}"
    lab.run(lambda inside: inside.permissions.deny(client_id(lab), full))
    answer = send(method, f"{path}?api-version=2026-08-01", json={"properties": {"count": 6}, "machineNames": ["x"]})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "AuthorizationFailed")
    assert error["message"].startswith(
        f"The client '{client_id(lab)}' with object id '{client_id(lab)}' does not have authorization "
        f"to perform action '{full}' over scope '/subscriptions/{SUBSCRIPTION}"
    )
    lab.run(lambda inside: inside.permissions.restore(client_id(lab)))
    assert pools.get().count == 4


def test_the_operations_url_needs_its_own_permission(lab: LabThread, pools: Pools, send: Send) -> None:
    pools.resize(6)
    lab.run(lambda inside: inside.permissions.deny(client_id(lab), "Microsoft.ContainerService/locations/*"))
    assert send("GET", pools.headers["Azure-AsyncOperation"]).status_code == 403


def test_the_permissions_list_tells_what_is_allowed(lab: LabThread, send: Send) -> None:
    write = "Microsoft.ContainerService/managedClusters/agentPools/write"
    pool = f"{CLUSTERS}/shop-prod/agentPools/web"
    for scope in (GROUP_PATH, f"{CLUSTERS}/shop-prod", pool):
        (told,) = send("GET", f"{scope}/{PERMISSIONS}").json()["value"]
        assert told == {"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}
    lab.run(lambda inside: inside.permissions.deny(client_id(lab), write, f"{CLUSTERS}/shop-prod/*"))
    assert send("GET", f"{pool}/{PERMISSIONS}").json()["value"][0]["notActions"] == [write]
    other = pool.replace("shop-prod", "shop-batch")
    assert send("GET", f"{other}/{PERMISSIONS}").json()["value"][0]["notActions"] == []
    lab.run(lambda inside: inside.permissions.allow_only("azure", client_id(lab), ["*/read"]))
    assert send("GET", f"{pool}/{PERMISSIONS}").json()["value"][0]["actions"] == ["*/read"]
    assert send("GET", f"{pool}/{PERMISSIONS.replace('2022-04-01', '2019-01-01')}").status_code == 400


def test_a_seed_turns_the_switches() -> None:
    seed = Seed(azure=AzureSeed(get_shows="actual", switches={"omittedMaps": "keep", "pageSize": 2}))
    assert engine_of(make_lab(seed)).switches == Switches(get_shows="actual", omitted_maps="keep", page_size=2)
    with pytest.raises(SeedError, match=r"azure\.switches\.unknown: is no switch"):
        make_lab(Seed(azure=AzureSeed(switches={"unknown": 1})))
    with pytest.raises(SeedError, match=r"azure\.switches\.omittedMaps"):
        make_lab(Seed(azure=AzureSeed(switches={"omittedMaps": "lose"})))


def test_machines_carry_azures_labels_and_ids() -> None:
    pools = (
        AksPool(name="system", mode="System", count=1),
        AksPool(name="spot", scale_set_priority="Spot", count=1, node_labels={"team": "shop"}),
    )
    lab = make_lab(Seed(azure=AzureSeed(clusters=(AksCluster(name="one", pools=pools),))))
    (group,) = [each for each in lab.machines() if each.node_pool == "spot"]
    (node,) = group.nodes.nodes
    assert group.provider_id(node).startswith(
        f"azure:///subscriptions/{SUBSCRIPTION}/resourceGroups/mc_shop_one_westeurope/providers/Microsoft.Compute"
        "/virtualMachineScaleSets/aks-spot-"
    )
    assert group.provider_id(node).endswith("-vmss/virtualMachines/0")
    assert group.labels["agentpool"] == "spot"
    assert (group.labels["team"], group.labels["kubernetes.azure.com/scalesetpriority"]) == ("shop", "spot")
    assert group.taints == [("kubernetes.azure.com/scalesetpriority", "spot", "NoSchedule")]
    assert node.zone in {"westeurope-1", "westeurope-2", "westeurope-3"}


@pytest.mark.parametrize("action", ["deleteMachines/action", "write"])
def test_what_deleting_machines_asks_for_is_a_switch(lab: LabThread, pools: Pools, send: Send, action: str) -> None:
    pools_of = "Microsoft.ContainerService/managedClusters/agentPools"
    switch(lab, delete_machines_action=action)
    me = str(lab.document["credentials"]["azure"]["clientId"])
    (name, *_) = [machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "web")]
    body = {"json": {"machineNames": [name]}}
    lab.run(lambda inside: inside.permissions.deny(me, f"{pools_of}/{action}"))
    refused = send("POST", f"{WEB}/deleteMachines?api-version=2026-08-01", **body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert f"'{pools_of}/{action}'" in refused.json()["error"]["message"]
    lab.run(lambda inside: inside.permissions.restore(me))
    other = "write" if action == "deleteMachines/action" else "deleteMachines/action"
    lab.run(lambda inside: inside.permissions.deny(me, f"{pools_of}/{other}"))
    assert send("POST", f"{WEB}/deleteMachines?api-version=2026-08-01", **body).status_code == 202
