"""Every switch under the value that is not its default; the defaults are what the other tests run on."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.lab import Lab, RefusedError
from multicloud_lab.core.replay import differences, play
from multicloud_lab.core.seed import GcpSeed, GkeAutoscaling, GkeCluster, GkePool, Seed, SeedError, SwitchValue
from multicloud_lab.gke.autoscaler import UNDO_S
from multicloud_lab.serve import make_lab
from multicloud_lab.thread import LabThread
from support.gkewires import Plain, Refused, token_of

LOCATION = "projects/shop-prod-1/locations/europe-west1-b"
WEB = f"{LOCATION}/clusters/one/nodePools/web"
PRINCIPAL = "lab@shop-prod-1.iam.gserviceaccount.com"
LONG_S = 400.0


@contextmanager
def switched(**switches: SwitchValue) -> Iterator[tuple[LabThread, Plain]]:
    pools = (
        GkePool(name="web", node_count=2),
        GkePool(name="elastic", node_count=2, autoscaling=GkeAutoscaling(min_node_count=1, max_node_count=9)),
    )
    cluster = GkeCluster(name="one", location="europe-west1-b", zones=("europe-west1-b",), pools=pools)
    with LabThread(Seed(gcp=GcpSeed(clusters=(cluster,), switches=switches))) as lab:
        yield lab, Plain(lab.document["gke"]["rest"], token_of(lab))


def test_a_running_operation_cannot_be_cancelled_at_all() -> None:
    with switched(cancelShare=0) as (lab, rest):
        operation = rest("SetNodePoolSize", name=WEB, nodeCount=5)
        lab.advance(20)
        with pytest.raises(Refused) as caught:
            rest("CancelOperation", name=f"{LOCATION}/operations/{operation['name']}")
        assert caught.value.code == "FAILED_PRECONDITION"
        assert rest("GetNodePool", name=WEB)["initialNodeCount"] == 5


@pytest.mark.parametrize(
    ("switches", "permission"),
    [
        pytest.param({}, "container.operations.update", id="default"),
        pytest.param({"cancelPermission": "container.clusters.update"}, "container.clusters.update", id="switched"),
    ],
)
def test_cancelling_asks_for_a_permission(switches: dict[str, str], permission: str) -> None:
    with switched(**switches) as (lab, rest):
        operation = rest("SetNodePoolSize", name=WEB, nodeCount=5)
        lab.run(lambda inner: inner.permissions.deny(PRINCIPAL, permission))
        with pytest.raises(Refused, match=permission) as caught:
            rest("CancelOperation", name=f"{LOCATION}/operations/{operation['name']}")
        assert (caught.value.code, caught.value.status) == ("PERMISSION_DENIED", 403)


def test_an_update_may_have_to_name_version_and_image() -> None:
    with switched(updateNeedsVersion=True) as (_, rest):
        with pytest.raises(Refused, match="node_version and image_type"):
            rest("UpdateNodePool", name=WEB, labels={"labels": {"a": "b"}})
        update = {"nodeVersion": "-", "imageType": "COS_CONTAINERD", "labels": {"labels": {"a": "b"}}}
        assert rest("UpdateNodePool", name=WEB, **update)["operationType"] == "UPGRADE_NODES"


def test_operations_are_kept_as_long_as_said() -> None:
    with switched(operationRetentionS=60) as (lab, rest):
        operation = rest("SetNodePoolSize", name=WEB, nodeCount=5)
        name = f"{LOCATION}/operations/{operation['name']}"
        while rest("GetOperation", name=name)["status"] != "DONE":
            lab.advance(10)
        lab.advance(61)
        with pytest.raises(Refused) as caught:
            rest("GetOperation", name=name)
        assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize(("counted", "target"), [(True, 3), (False, 2)])
def test_an_upgrades_extra_node_may_be_left_out_of_the_target(counted: bool, target: int) -> None:
    with switched(surgeInGroups=counted) as (lab, rest):
        lab.run(lambda inner: Hands(inner).upgrade("gcp", "one", "web", 600))
        lab.advance(60)
        (url,) = rest("GetNodePool", name=WEB)["instanceGroupUrls"]
        compute = Plain(lab.document["compute"]["url"], rest.token)
        assert compute.send("GET", url.removeprefix("https://www.googleapis.com")).json()["targetSize"] == target


def wished(lab: LabThread, pool: str = "elastic") -> int:
    (size,) = lab.run(lambda inner: [each.requested for each in inner.engines["gcp"].pools() if each.node_pool == pool])
    return size


def resize(lab: LabThread, rest: Plain, to: int, pool: str = "elastic") -> None:
    rest("SetNodePoolSize", name=f"{LOCATION}/clusters/one/nodePools/{pool}", nodeCount=to)
    lab.advance(LONG_S)


@pytest.mark.parametrize(
    ("switches", "after"), [({}, 5), ({"resizeOfAutoscaled": "undone"}, 2)], ids=["kept", "undone"]
)
def test_the_autoscaler_may_undo_a_resize(switches: dict[str, str], after: int) -> None:
    with switched(**switches) as (lab, rest):
        resize(lab, rest, 5)
        assert wished(lab) == 5
        resize(lab, rest, 5, pool="web")
        lab.advance(UNDO_S)
        assert (wished(lab), wished(lab, "web")) == (after, 5)
        assert lab.violations() == []
        moves = [(e["principal"], e["from"], e["to"]) for e in lab.journal() if e["pool"] == "elastic" and e["to"]]
        assert moves == [(PRINCIPAL, 2, 5), ("autoscaler", 5, 2)][: 2 if after == 2 else 1]


def test_the_autoscaler_goes_back_to_what_was_before_all_resizes_and_within_its_range() -> None:
    with switched(resizeOfAutoscaled="undone") as (lab, rest):
        resize(lab, rest, 0)
        lab.advance(2 * UNDO_S)
        assert wished(lab) == 2
        resize(lab, rest, 5)
        resize(lab, rest, 7)
        lab.advance(UNDO_S - LONG_S)
        assert wished(lab) == 7
        lab.advance(LONG_S)
        assert wished(lab) == 2
        resize(lab, rest, 2)
        block = {"enabled": True, "minNodeCount": 4, "maxNodeCount": 9}
        rest("SetNodePoolAutoscaling", name=f"{LOCATION}/clusters/one/nodePools/elastic", autoscaling=block)
        lab.advance(LONG_S)
        resize(lab, rest, 8)
        lab.advance(UNDO_S)
        assert wished(lab) == 4


def test_the_autoscaler_undoes_nothing_once_it_moved_itself_or_is_off_or_the_pool_is_gone() -> None:
    with switched(resizeOfAutoscaled="undone") as (lab, rest):
        resize(lab, rest, 5)
        lab.hands(lambda hands: hands.autoscale("gcp", "one", "elastic", 6))
        lab.advance(2 * UNDO_S)
        assert wished(lab) == 6
        resize(lab, rest, 3)
        rest("SetNodePoolAutoscaling", name=f"{LOCATION}/clusters/one/nodePools/elastic", autoscaling={})
        lab.advance(2 * UNDO_S)
        assert wished(lab) == 3
        lab.run(lambda inner: inner.reset())
        resize(lab, rest, 5)
        lab.hands(lambda hands: hands.delete("gcp", "one", "elastic"))
        lab.advance(2 * UNDO_S)
        assert not [each for each in lab.journal() if each["principal"] == "autoscaler"]
        assert lab.violations() == []


def test_the_autoscaler_waits_for_an_upgrade_and_a_replay_sees_the_same() -> None:
    def replayed(lab: Lab) -> list[str]:
        fresh = make_lab(lab.seed, VirtualClock(lab.clock.start))
        play(lab.journal.entries(), fresh, lab.clock.now())
        return differences(lab, fresh)

    with switched(resizeOfAutoscaled="undone") as (lab, rest):
        resize(lab, rest, 5)
        lab.hands(lambda hands: hands.upgrade("gcp", "one", "elastic", 3 * UNDO_S))
        lab.advance(2 * UNDO_S)
        assert wished(lab) == 5
        lab.advance(3 * UNDO_S)
        assert wished(lab) == 2
        assert lab.violations() == []
        assert lab.run(replayed) == []


def test_a_resize_of_an_autoscaled_pool_may_be_refused() -> None:
    with switched(resizeOfAutoscaled="refused") as (lab, rest):
        with pytest.raises(Refused, match="autoscaling enabled") as caught:
            resize(lab, rest, 5)
        assert (caught.value.code, caught.value.status) == ("FAILED_PRECONDITION", 400)
        with pytest.raises(RefusedError, match="autoscaling enabled"):
            lab.hands(lambda hands: hands.resize("gcp", "one", "elastic", 5))
        assert wished(lab) == 2
        resize(lab, rest, 5, pool="web")
        assert wished(lab, "web") == 5


@pytest.mark.parametrize(
    ("switches", "reason", "sentence"),
    [
        pytest.param({}, "CLUSTER_ALREADY_HAS_OPERATION", "Cluster is running incompatible operation {}.", id="reason"),
        pytest.param(
            {"lockNamesReason": False},
            "",
            "Operation {} is currently resizing a node pool for cluster one. "
            "Please wait and try again once it is done.",
            id="sentence alone",
        ),
    ],
)
def test_the_clusters_lock_may_be_told_without_a_reason(switches: dict[str, bool], reason: str, sentence: str) -> None:
    with switched(**switches) as (_, rest):
        running = rest("SetNodePoolSize", name=WEB, nodeCount=5)["name"]
        with pytest.raises(Refused) as caught:
            rest("SetNodePoolSize", name=WEB, nodeCount=6)
        told = (caught.value.code, caught.value.status, caught.value.reason, caught.value.message)
        assert told == ("FAILED_PRECONDITION", 400, reason, sentence.format(running))


@pytest.mark.parametrize(
    ("switches", "most", "code", "status"),
    [
        pytest.param({}, 15_000, "INVALID_ARGUMENT", 400, id="limit"),
        pytest.param({"maxNodes": 5000}, 5000, "INVALID_ARGUMENT", 400, id="default quota"),
        pytest.param({"maxNodesCode": "RESOURCE_EXHAUSTED"}, 15_000, "RESOURCE_EXHAUSTED", 429, id="another code"),
    ],
)
def test_a_cluster_has_no_more_nodes_than_its_limit(
    switches: dict[str, SwitchValue], most: int, code: str, status: int
) -> None:
    pools = (
        *(GkePool(name=f"full{number}", node_count=1000) for number in range(most // 1000 - 1)),
        GkePool(name="web", node_count=900),
        GkePool(name="elastic", node_count=100, autoscaling=GkeAutoscaling(max_node_count=200)),
    )
    cluster = GkeCluster(name="one", location="europe-west1-b", zones=("europe-west1-b",), pools=pools)
    refused: list[tuple[str, dict[str, object]]] = [
        ("SetNodePoolSize", {"name": WEB, "nodeCount": 901}),
        ("CreateNodePool", {"parent": f"{LOCATION}/clusters/one", "nodePool": {"name": "new", "initialNodeCount": 1}}),
        ("UpdateNodePool", {"name": WEB, "locations": ["europe-west1-b", "europe-west1-c"]}),
    ]
    with LabThread(Seed(gcp=GcpSeed(clusters=(cluster,), switches=switches))) as lab:
        rest = Plain(lab.document["gke"]["rest"], token_of(lab))
        for operation, request in refused:
            with pytest.raises(Refused, match=f"more than {most}") as caught:
                rest(operation, **request)
            assert (caught.value.code, caught.value.status) == (code, status)
        with pytest.raises(RefusedError, match=f"more than {most}"):
            lab.hands(lambda hands: hands.autoscale("gcp", "one", "elastic", 101))
        assert not any(entry["effective"] for entry in lab.journal())
        rest("SetNodePoolSize", name=WEB, nodeCount=899)
        lab.advance(LONG_S)
        rest("SetNodePoolSize", name=WEB, nodeCount=900)


@pytest.mark.parametrize("only", [False, True])
def test_whether_anything_but_an_upgrade_can_be_cancelled(only: bool) -> None:
    with switched(cancelsOnlyUpgrades=only) as (lab, rest):

        def cancel() -> str:
            (running,) = (
                each for each in rest("ListOperations", parent=LOCATION)["operations"] if each["status"] != "DONE"
            )
            rest("CancelOperation", name=f"{LOCATION}/operations/{running['name']}")
            lab.advance(60)
            return str(running["operationType"])

        lab.hands(lambda hands: hands.upgrade("gcp", "one", "web", 3600))
        assert cancel() == "UPGRADE_NODES"
        rest("SetNodePoolSize", name=WEB, nodeCount=5)
        if only:
            with pytest.raises(Refused) as caught:
                cancel()
            assert caught.value.code == "FAILED_PRECONDITION"
        else:
            assert cancel() == "SET_NODE_POOL_SIZE"
        lab.advance(LONG_S)
        assert wished(lab, "web") == (5 if only else 2)


@pytest.mark.parametrize(("sets", "initial"), [(False, 2), (True, 7)])
def test_whether_a_move_of_the_autoscaler_shows_as_initial_count(sets: bool, initial: int) -> None:
    with switched(autoscalerSetsInitialCount=sets) as (lab, rest):
        lab.hands(lambda hands: hands.autoscale("gcp", "one", "elastic", 7))
        pool = rest("GetNodePool", name=f"{LOCATION}/clusters/one/nodePools/elastic")
        assert pool["initialNodeCount"] == initial


def test_a_switch_that_does_not_exist_is_told() -> None:
    with pytest.raises(SeedError, match=r"gcp\.switches\.zonePath: is no switch"):
        LabThread(Seed(gcp=GcpSeed(switches={"zonePath": True})))
