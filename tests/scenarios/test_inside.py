"""Stories of operators that see into the clusters of members: what it proves, what it forbids, what is left without."""

from multicloud.model.member import Counted, Inside
from multicloud.model.reason import Code, Reason
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.world import World, members

__all__ = ["lab"]

DENIED = Inside(trouble=Reason(code=Code.DENIED, text="cluster shop-prod does not let us list nodes"))


def shows(nodes: int, ready: int | None = None, *, needed: int = 0, autoscaled: frozenset[str] = frozenset()) -> Inside:
    ready = nodes if ready is None else ready
    return Inside(counted=Counted(nodes=nodes, ready=ready, needed=needed), autoscaled=autoscaled)


def sources(world: World) -> dict[str, str]:
    return {member["name"]: member["readySource"] for member in world.status()["members"]}


async def test_readiness_is_proved_by_the_cluster_where_it_answers_and_weaker_where_not(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        world.pool(replicas=12)
        await world.run_for(minutes=1)
        assert sources(world) == {"aws": "Cloud", "azure": "Assumed", "gcp": "Cloud"}
        assert world.condition("PodsUnobserved") == ("Unknown", "NotYetObserved")
        world.show("shop-prod", shows(4))  # the cluster's name in EKS and in AKS
        world.show("shop-batch", shows(4))
        await world.run_for(seconds=2)
        assert sources(world) == dict.fromkeys(("aws", "azure", "gcp"), "Kubernetes")
        assert world.condition("PodsUnobserved") == ("False", "PodsSeen")
        assert world.condition("Ready")[0] == "True"
        world.show("shop-prod", shows(4, ready=3))
        await world.run_for(seconds=2)
        assert (world.member("azure")["readyNodes"], world.status()["replicas"]) == (3, 10)
        world.show("shop-prod", DENIED)
        await world.run_for(seconds=2)
        assert sources(world) == {"aws": "Cloud", "azure": "Assumed", "gcp": "Kubernetes"}
        assert world.condition("PodsUnobserved") == ("True", "PermissionDenied")
        assert (world.condition("Ready")[0], world.condition("MembersHealthy")[0]) == ("True", "True")
        assert world.cloud_writes == []


async def test_at_rest_what_the_clusters_show_writes_nothing(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        world.pool(replicas=12)
        for cluster in ("shop-prod", "shop-batch"):
            world.show(cluster, shows(4))
        await world.run_for(minutes=5)
        writes = world.cluster.status_writes
        for needed in (1, 2, 1, 3):
            world.show("shop-prod", shows(4, needed=needed))
            await world.run_for(minutes=1)
        assert world.cluster.status_writes == writes


async def test_nodes_go_only_as_scheduled_pods_let_them(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        world.pool(replicas=12, adoption="Apply")
        world.show("shop-prod", shows(4, needed=3))
        world.show("shop-batch", shows(4))
        await world.run_for(minutes=2)
        world.edit(replicas=6)
        await world.run_for(minutes=20)
        sizes = {member["name"]: member["requestedNodes"] for member in world.status()["members"]}
        assert sizes == {"aws": 3, "azure": 3, "gcp": 2}
        assert {world.member(name)["reason"] for name in ("aws", "azure")} == {"ScheduledPods"}
        world.show("shop-prod", shows(3))
        await world.run_for(minutes=20)
        assert {member["requestedNodes"] for member in world.status()["members"]} == {2}
        assert all(write.to < 4 for write in world.cloud_writes)


async def test_an_autoscaler_in_the_cluster_takes_a_member_out_and_its_end_brings_it_back(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        world.pool(replicas=9, members=members("aws"))
        await world.run_for(minutes=1)
        group = lab.run(lambda running: next(str(g.name) for g in running.machines() if _is_web(g)))
        before = len(world.cloud_writes)
        world.show("shop-prod", shows(4, autoscaled=frozenset({group})))
        world.edit(replicas=20)
        await world.run_for(minutes=10)
        assert world.member("aws")["reason"] == "AutoscalerOn"
        assert [write.to for write in world.cloud_writes[before:]] == []
        world.show("shop-prod", shows(9))
        await world.run_for(minutes=10)
        assert world.cloud_writes[-1].to == 20


async def test_without_eyes_everything_works_and_the_condition_says_so(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=15)
        await world.run_for(minutes=10)
        assert world.status()["replicas"] == 15
        assert world.condition("PodsUnobserved") == ("True", "NoClusterAccess")


def _is_web(group: object) -> bool:
    found = (getattr(group, name) for name in ("cloud", "cluster", "node_pool"))
    return tuple(found) == ("aws", "shop-prod", "web")
