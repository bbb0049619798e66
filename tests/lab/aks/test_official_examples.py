"""The official examples replayed: statuses, headers, ids and property names, against the SDK's model too."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.core.rest import HttpRequest
from azure.mgmt.containerservice import models

from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.seed import AksCluster, AksPool, AzureSeed, Seed
from multicloud_lab.thread import LabThread
from support.aks import client, engine_of

EXAMPLES = yaml.safe_load(Path(__file__).with_name("official_examples.yaml").read_text(encoding="utf-8"))

Json = dict[str, Any]


def strangers(body: Json, model: Any, *besides: str) -> set[str]:
    """Return the names of a JSON object that the SDK's model does not have."""
    known = {field._rest_name for field in model()._attr_to_rest_field.values()}
    return {name for name in body if name not in known and name not in besides}


def unknown_names(operation: str, item: Json) -> set[str]:
    """Return the names of an item, and of what is in it, that the SDK's models do not have."""
    properties = item["properties"]
    if operation.startswith("AgentPools"):
        pool = models.AgentPoolManagedClusterAgentPoolProfileProperties
        return strangers(item, models.AgentPool) | strangers(properties, pool)
    if operation.startswith("Machines"):
        found = strangers(item, models.Machine) | strangers(properties, models.MachineProperties)
        for address in properties["network"]["ipAddresses"]:
            found |= strangers(address, models.MachineIpAddress)
        return found
    found = strangers(item, models.ManagedCluster) | strangers(properties, models.ManagedClusterProperties)
    for profile in properties["agentPoolProfiles"]:
        found |= strangers(profile, models.ManagedClusterAgentPoolProfile, "name")
    for name, model in (
        ("linuxProfile", models.ContainerServiceLinuxProfile),
        ("networkProfile", models.ContainerServiceNetworkProfile),
        ("servicePrincipalProfile", models.ManagedClusterServicePrincipalProfile),
        ("upgradeSettings", models.ClusterUpgradeSettings),
    ):
        found |= strangers(properties[name], model)
    return found


def seed(example: Json) -> Seed:
    """Return the world before the example: its cluster, and its pool unless the example creates it."""
    name = example["file"].rpartition("/")[2]
    found = {
        "AgentPools_Start.json": AksPool(
            name="agentpool1", count=50, enable_auto_scaling=True, min_count=3, max_count=55
        ),
        "AgentPools_Update.json": AksPool(
            name="agentpool1", count=3, vm_size="Standard_DS1_v2", scale_set_priority="Spot"
        ),
    }.get(name, AksPool(name="agentpool1", count=3))
    pools = () if "Create" in name else (found,)
    cluster = AksCluster(
        name=example.get("cluster", "clustername1"),
        subscription_id=example["subscription"],
        resource_group=example.get("group", "rg1"),
        location="eastus",
        pools=(AksPool(name="system", mode="System", count=2), *pools),
    )
    return Seed(azure=AzureSeed(clusters=(cluster,)))


def path(example: Json) -> str:
    root = f"/subscriptions/{example['subscription']}"
    operation = example["operation"]
    if operation == "ManagedClusters_List":
        return f"{root}/providers/Microsoft.ContainerService/managedClusters"
    cluster = (
        f"{root}/resourceGroups/{example['group']}/providers/Microsoft.ContainerService"
        f"/managedClusters/{example['cluster']}"
    )
    pool = f"{cluster}/agentPools/{example.get('pool')}"
    return {
        "ManagedClusters_Get": cluster,
        "AgentPools_List": f"{cluster}/agentPools",
        "AgentPools_Get": pool,
        "AgentPools_CreateOrUpdate": pool,
        "AgentPools_Delete": pool,
        "AgentPools_DeleteMachines": f"{pool}/deleteMachines",
        "AgentPools_AbortLatestOperation": f"{pool}/abort",
        "ManagedClusters_AbortLatestOperation": f"{cluster}/abort",
        "Machines_List": f"{pool}/machines",
    }[operation]


def check(example: Json, response: Any) -> None:
    """Compare one answer with the facts of its example."""
    assert response.status_code in example["statuses"]
    assert set(example.get("headers", [])) <= {name.lower() for name in response.headers}
    if response.status_code == 202:
        assert response.headers["location"].rpartition("?")[0].split("/")[-2] == "operationresults"
    if "members" not in example:
        return
    body = response.json()
    items = body["value"] if example["listed"] else [body]
    item = next(item for item in items if item["name"] != "system")
    assert unknown_names(example["operation"], item) == set()
    assert set(example["members"]) <= item.keys()
    assert set(example["properties"]) <= item["properties"].keys()
    assert item["properties"].get("provisioningState", "-") in example["states"]
    if example["operation"] != "Machines_List":  # the example's own answer is of another cluster than it asks
        assert item["id"].lower() == example["id"].lower()
    assert item.get("type", "").lower().split("/")[1:] == [part.lower() for part in item["id"].split("/")[7::2]]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["file"] for example in EXAMPLES])
def test_example(example: Json) -> None:
    name = example["file"].rpartition("/")[2]
    with LabThread(seed(example)) as lab, client(lab, example["subscription"]) as azure:

        def prepare(inside: Lab) -> None:
            # The example's count 3 lies outside of its own range 2..2.
            engine_of(inside).switches = Switches(autoscaler_range=name != "AgentPools_Update.json")

        def send(method: str, at: str, **options: Any) -> Any:
            version = example["file"].partition("/")[0]
            url = f"{lab.document['arm']['url']}{at}?api-version={version}"
            return azure.send_request(HttpRequest(method, url, **options))

        lab.run(prepare)
        at = path(example)
        if name == "AgentPools_Start.json":
            assert send("PUT", at, json={"properties": {"powerState": {"code": "Stopped"}}}).status_code == 200
            lab.advance(300)
        if name == "AgentPoolsAbortOperation.json":
            lab.run(lambda inside: engine_of(inside).resize_by_hand("clustername1", "agentpool1", 9))
            check(example, send("POST", at))
        elif name == "ManagedClustersAbortOperation.json":
            lab.run(lambda inside: engine_of(inside).update_cluster_by_hand("clustername1", 600))
            check(example, send("POST", at))
        elif name == "AgentPoolsDelete.json":
            check(example, send("DELETE", at))
        elif name == "AgentPoolsDeleteMachines.json":
            machines = lab.run(lambda inside: engine_of(inside).clusters[0].pools["agentpool1"].machines)
            check(example, send("POST", at, json={"machineNames": [node.name for node in machines[:2]]}))
        elif "wished" in example:
            check(example, send("PUT", at, json={"properties": example["wished"]}))
            lab.advance(300)
            if "Create" in name:
                check(example, again := send("PUT", at, json={"properties": example["wished"]}))
                assert again.json()["properties"]["provisioningState"] == "Succeeded"
        else:
            check(example, send("GET", at))


def test_all_fifteen_are_replayed() -> None:
    assert len({example["file"] for example in EXAMPLES}) == len(EXAMPLES) == 15


@pytest.mark.parametrize(
    ("operation", "method", "pool"),
    [
        ("AgentPools_Delete", "DELETE", "nothing"),
        ("AgentPools_AbortLatestOperation", "POST", "agentpool1"),
        ("ManagedClusters_AbortLatestOperation", "POST", None),
    ],
)
def test_nothing_to_do_is_the_examples_204(operation: str, method: str, pool: str | None) -> None:
    example = next(example for example in EXAMPLES if example["operation"] == operation)
    with LabThread(seed(example)) as lab, client(lab, example["subscription"]) as azure:
        url = f"{lab.document['arm']['url']}{path({**example, 'pool': pool})}?api-version=2026-08-01"
        answer = azure.send_request(HttpRequest(method, url))
        assert (answer.status_code, answer.text(), lab.journal()[-1]["effective"]) == (204, "", False)


@pytest.mark.parametrize("operation", ["AgentPools_AbortLatestOperation", "ManagedClusters_AbortLatestOperation"])
def test_an_operation_that_ended_before_its_abort_is_409(operation: str) -> None:
    example = next(example for example in EXAMPLES if example["operation"] == operation)
    with LabThread(seed(example)) as lab, client(lab, example["subscription"]) as azure:
        if operation.startswith("AgentPools"):
            lab.run(lambda inside: engine_of(inside).resize_by_hand("clustername1", "agentpool1", 9))
        else:
            lab.run(lambda inside: engine_of(inside).update_cluster_by_hand("clustername1", 60))
        lab.advance(600)
        url = f"{lab.document['arm']['url']}{path(example)}?api-version=2026-08-01"
        answer = azure.send_request(HttpRequest("POST", url))
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "OperationNotAllowed")


def test_the_created_statuses_are_both_reached() -> None:
    example = next(example for example in EXAMPLES if example["file"].endswith("AgentPoolsCreate_Spot.json"))
    with LabThread(seed(example)) as lab, client(lab, example["subscription"]) as azure:
        url = f"{lab.document['arm']['url']}{path(example)}?api-version=2026-08-01"
        statuses = []
        for _ in range(2):
            put = HttpRequest("PUT", url, json={"properties": example["wished"]})
            statuses.append(azure.send_request(put).status_code)
            lab.advance(300)
    assert statuses == [201, 200]
