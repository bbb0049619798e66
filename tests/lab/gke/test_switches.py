"""Every switch under the value that is not its default; the defaults are what the other tests run on."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from multicloud_lab.core.hands import Hands
from multicloud_lab.core.seed import GcpSeed, GkeCluster, GkePool, Seed, SeedError, SwitchValue
from multicloud_lab.thread import LabThread
from support.gkewires import Plain, Refused, token_of

LOCATION = "projects/shop-prod-1/locations/europe-west1-b"
WEB = f"{LOCATION}/clusters/one/nodePools/web"
PRINCIPAL = "lab@shop-prod-1.iam.gserviceaccount.com"


@contextmanager
def switched(**switches: SwitchValue) -> Iterator[tuple[LabThread, Plain]]:
    pool = GkePool(name="web", node_count=2)
    cluster = GkeCluster(name="one", location="europe-west1-b", zones=("europe-west1-b",), pools=(pool,))
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


def test_a_switch_that_does_not_exist_is_told() -> None:
    with pytest.raises(SeedError, match=r"gcp\.switches\.zonePath: is no switch"):
        LabThread(Seed(gcp=GcpSeed(switches={"zonePath": True})))
