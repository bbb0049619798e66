"""What ARM's list of permissions and its answers prove."""

from typing import Any

import pytest

from multicloud.clouds.aks.policy import READ_CLUSTERS, READ_OPERATIONS, READ_PERMISSIONS, WRITE_POOLS
from multicloud.model.permission import Need, Permission
from multicloud.model.port import CloudDoor
from multicloud.model.ref import NodePoolRef
from support.azuredoor import CLUSTER
from support.vendor import Answer, Vendor

WEB = NodePoolRef(cluster=CLUSTER, name="web")
LIST = "/providers/Microsoft.Authorization/permissions"
DENIED = Answer(status=403, body={"error": {"code": "AuthorizationFailed", "message": "does not have authorization"}})


def found(door: CloudDoor, need: Need) -> Permission:
    assert door.probe is not None
    (one,) = [each for each in door.probe.probe(WEB) if each.need is need]
    return one


def grants(*entries: object, **more: str) -> Answer:
    return Answer(body={"value": list(entries), **more})


def grant(*actions: str, but: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"actions": list(actions), "notActions": list(but), "dataActions": [], "notDataActions": []}


@pytest.mark.parametrize(
    ("entries", "granted"),
    [
        ([grant("*")], True),
        ([grant("Microsoft.ContainerService/managedClusters/agentPools/write")], True),
        ([grant("microsoft.containerservice/MANAGEDCLUSTERS/*/write")], True),
        ([grant("Microsoft.ContainerService/*")], True),
        ([grant("*/write")], True),
        ([grant("*/read")], False),
        ([grant("Microsoft.ContainerService/managedClusters/agentPools/writes")], False),
        ([grant("Microsoft.ContainerService/managedClusters/agentPools")], False),
        ([grant("*", but=("Microsoft.ContainerService/*/write",))], False),
        ([grant("*", but=("*/delete",))], True),
        ([grant("*", but=("*",)), grant("*/agentPools/write")], True),
        ([{"dataActions": ["*"]}], False),
        ([], False),
    ],
)
def test_the_list_is_read_as_azure_reads_roles(
    door: CloudDoor, vendor: Vendor, entries: list[dict[str, Any]], granted: bool
) -> None:
    vendor.answer("GET", LIST, grants(*entries))
    assert found(door, WRITE_POOLS).granted is granted


def test_pages_of_the_list_are_joined(door: CloudDoor, vendor: Vendor) -> None:
    vendor.answer("GET", LIST, grants(grant("*/read"), nextLink=f"{vendor.url}/next?page=2"))
    vendor.answer("GET", "/next?page=2", grants(grant("*/write")))
    assert found(door, WRITE_POOLS).granted is True


@pytest.mark.parametrize("elsewhere", [True, False], ids=["another host", "the same page"])
def test_a_next_page_that_cannot_be_one_leaves_it_unknown(door: CloudDoor, vendor: Vendor, elsewhere: bool) -> None:
    itself = f"{vendor.url}/next"
    another = vendor.url.replace("127.0.0.1", "localhost") + "/elsewhere"
    vendor.answer("GET", LIST, grants(nextLink=another if elsewhere else itself))
    vendor.answer("GET", "/elsewhere", grants(grant("*")))
    vendor.answer("GET", "/next", grants(nextLink=itself))
    assert found(door, WRITE_POOLS).granted is None
    assert found(door, READ_PERMISSIONS).granted is None
    assert vendor.calls("GET", "/elsewhere") == []


@pytest.mark.parametrize(
    "answer", [DENIED, Answer(status=503), Answer(raw=b"<html>"), Answer(body={"value": None}), grants("x")]
)
def test_without_the_list_nobody_knows_what_may_be_written(door: CloudDoor, vendor: Vendor, answer: Answer) -> None:
    vendor.answer("GET", LIST, answer)
    told = found(door, WRITE_POOLS)
    assert told.granted is None
    assert READ_PERMISSIONS.name in told.why


def test_operations_are_asked_for_where_the_cluster_is(door: CloudDoor, vendor: Vendor) -> None:
    vendor.answer("GET", "/managedClusters/shop-prod?", Answer(body={"location": "westeurope", "id": "x", "name": "x"}))
    vendor.answer("GET", "/locations/westeurope/operations/", DENIED)
    assert found(door, READ_OPERATIONS).granted is False


def test_where_the_cluster_is_may_not_be_known(door: CloudDoor, vendor: Vendor) -> None:
    vendor.answer("GET", "/managedClusters/shop-prod?", DENIED)
    assert found(door, READ_CLUSTERS).granted is False
    assert found(door, READ_OPERATIONS).granted is None
