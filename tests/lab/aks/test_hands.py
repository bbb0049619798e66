"""Others at work: autoscaler, upgrade with surge, reclaimed and dead machines, pools and clusters made again."""

from functools import partial

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from multicloud_lab.core.hands import Hands
from multicloud_lab.core.lab import Lab, RefusedError
from multicloud_lab.core.replay import differences, play
from multicloud_lab.core.seed import AksCluster, AksPool, AzureSeed, Seed
from multicloud_lab.serve import make_lab
from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, GROUP, Pools, Send, client, engine_of

LONGEST_S = 300.0
AUTO = {"enableAutoScaling": True, "minCount": 2, "maxCount": 8, "count": 4}
SPOT = Seed(
    azure=AzureSeed(
        clusters=(
            AksCluster(
                name="shop-prod",
                pools=(
                    AksPool(name="system", mode="System", count=1),
                    AksPool(name="web", scale_set_priority="Spot", count=6),
                ),
            ),
        )
    )
)


def autoscale(hands: Hands, to: int) -> None:
    hands.autoscale("azure", "shop-prod", "web", to)


def replayed(lab: LabThread) -> list[str]:
    def again(inside: Lab) -> list[str]:
        fresh = make_lab(inside.seed)
        play(inside.journal.entries(), fresh, inside.clock.now())
        return differences(inside, fresh)

    return lab.run(again)


def test_the_autoscaler_moves_count_and_etag_without_an_operation(lab: LabThread, pools: Pools) -> None:
    pools.put({"properties": AUTO})
    lab.advance(LONGEST_S)
    seen = pools.get()
    lab.hands(lambda hands: hands.autoscale("azure", "shop-prod", "web", 7))
    moved = pools.get()
    assert (moved.provisioning_state, moved.count) == ("Succeeded", 7)
    assert moved.e_tag != seen.e_tag
    with pytest.raises(ResourceModifiedError):
        pools.put(seen, etag=seen.e_tag, match_condition=MatchConditions.IfNotModified)
    lab.advance(LONGEST_S)
    assert len(list(pools.azure.machines.list(GROUP, "shop-prod", "web"))) == 7
    for to in (1, 9):
        with pytest.raises(RefusedError, match="not within minCount 2 and maxCount 8"):
            lab.hands(partial(autoscale, to=to))
    with pytest.raises(RefusedError, match="no autoscaler"):
        lab.hands(lambda hands: hands.autoscale("azure", "shop-prod", "system", 3))
    assert replayed(lab) == []
    assert lab.violations() == []


def test_an_upgrade_holds_the_pools_lock_for_an_hour(lab: LabThread, pools: Pools) -> None:
    before = {machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "web")}
    lab.hands(lambda hands: hands.upgrade("azure", "shop-prod", "web"))
    assert pools.get().provisioning_state == "Upgrading"
    lab.advance(150)
    assert len(list(pools.azure.machines.list(GROUP, "shop-prod", "web"))) == 5
    lab.advance(3600 - 151)
    with pytest.raises(ResourceExistsError, match=r"\(web - Upgrading\)"):
        pools.resize(6)
    pools.resize(3, "system")
    lab.advance(2)
    after = {machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "web")}
    assert (pools.get().provisioning_state, len(after), before & after) == ("Succeeded", 4, set())
    assert replayed(lab) == []


def test_a_clusters_update_holds_all_its_pools_and_can_be_aborted(lab: LabThread, pools: Pools, send: Send) -> None:
    lab.run(lambda inside: engine_of(inside).update_cluster_by_hand("shop-prod", 3600))
    with pytest.raises(ResourceExistsError, match=r"\(shop-prod - Updating\)"):
        pools.resize(6)
    abort = send("POST", f"{CLUSTERS}/shop-prod/abort?api-version=2026-08-01")
    assert abort.status_code == 202
    assert pools.azure.managed_clusters.get(GROUP, "shop-prod").provisioning_state == "Canceling"
    lab.advance(10)
    assert send("GET", abort.headers["Azure-AsyncOperation"]).json()["status"] == "Succeeded"
    assert pools.azure.managed_clusters.get(GROUP, "shop-prod").provisioning_state == "Canceled"
    assert pools.resize(6).provisioning_state == "Scaling"
    assert lab.violations() == []
    assert replayed(lab) == []


def test_spot_machines_are_reclaimed_zone_by_zone() -> None:
    with LabThread(SPOT) as lab, client(lab) as azure:
        names = lab.hands(lambda hands: hands.reclaim_spot("azure", zone="westeurope-2"))
        assert len(names) == 2
        lab.advance(31)
        left = [machine.name for machine in azure.machines.list(GROUP, "shop-prod", "web")]
        assert set(left).isdisjoint(names)
        lab.advance(LONGEST_S)
        assert len(list(azure.machines.list(GROUP, "shop-prod", "web"))) == 6
        assert azure.agent_pools.get(GROUP, "shop-prod", "web").count == 6
        assert replayed(lab) == []


def test_a_dead_machine_is_replaced(lab: LabThread, pools: Pools) -> None:
    name = str(next(iter(pools.azure.machines.list(GROUP, "shop-prod", "web"))).name)
    lab.hands(lambda hands: hands.kill_node("azure", name))
    lab.advance(LONGEST_S)
    machines = [machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "web")]
    assert len(machines) == 4
    assert name not in machines


def test_a_pool_made_again_has_other_machines_and_another_etag(lab: LabThread, pools: Pools, send: Send) -> None:
    old = pools.get()
    machines = {machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "web")}
    pools.resize(9)
    url = pools.headers["Azure-AsyncOperation"]
    lab.hands(lambda hands: hands.recreate("azure", "shop-prod", "web"))
    new = pools.get()
    assert (new.count, new.provisioning_state) == (4, "Succeeded")
    assert new.e_tag != old.e_tag
    assert machines.isdisjoint(machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "web"))
    assert send("GET", url).json()["error"]["code"] == "AKSOperationPreemptedByDelete"
    assert lab.violations() == []
    assert replayed(lab) == []


def test_a_cluster_made_again_has_another_uid(lab: LabThread, pools: Pools) -> None:
    old = pools.azure.managed_clusters.get(GROUP, "shop-prod").resource_uid
    pools.resize(9)
    lab.hands(lambda hands: hands.delete("azure", "shop-prod"))
    with pytest.raises(ResourceNotFoundError):
        pools.get()
    assert [cluster.name for cluster in pools.azure.managed_clusters.list()] == ["shop-batch"]
    lab.hands(lambda hands: hands.recreate("azure", "shop-prod"))
    assert pools.azure.managed_clusters.get(GROUP, "shop-prod").resource_uid != old
    assert pools.get().count == 4
    assert replayed(lab) == []


def test_the_last_system_pool_is_not_taken_away(lab: LabThread, pools: Pools) -> None:
    with pytest.raises(RefusedError, match="at least one System agent pool"):
        lab.hands(lambda hands: hands.delete("azure", "shop-prod", "system"))
    assert pools.get("system").count == 2


def test_what_clients_did_replays(lab: LabThread, pools: Pools, send: Send) -> None:
    pools.resize(9)
    lab.advance(20)
    send("POST", f"{CLUSTERS}/shop-prod/agentPools/web/abort?api-version=2026-08-01")
    lab.advance(20)
    names = [machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "web")]
    path = f"{CLUSTERS}/shop-prod/agentPools/web/deleteMachines?api-version=2026-08-01"
    assert send("POST", path, json={"machineNames": names[:1]}).status_code == 202
    pools.put({"properties": {"vmSize": "Standard_D2s_v5", "count": 3}}, "more")
    lab.advance(LONGEST_S)
    send("DELETE", f"{CLUSTERS}/shop-prod/agentPools/more?api-version=2026-08-01")
    lab.advance(45)
    assert replayed(lab) == []
