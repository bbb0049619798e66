"""Lists and gets, and ARM's manners around them: versions, headers, envelopes, paths, paging."""

from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.containerservice import ContainerServiceClient

from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.seed import AksCluster, AksPool, AzureSeed, Seed
from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, GROUP, SUBSCRIPTION, Pools, Send, client, engine_of

VERSION = "api-version=2026-08-01"
WEB = f"{CLUSTERS}/shop-prod/agentPools/web"


def test_the_default_seed_through_the_sdk(azure: ContainerServiceClient) -> None:
    clusters = list(azure.managed_clusters.list())
    assert [(c.name, c.location, c.provisioning_state) for c in clusters] == [
        ("shop-prod", "westeurope", "Succeeded"),
        ("shop-batch", "westeurope", "Succeeded"),
    ]
    for cluster in clusters:
        found = [(p.name, p.mode, p.count, p.provisioning_state) for p in cluster.agent_pool_profiles or []]
        assert found == [("system", "System", 2, "Succeeded"), ("web", "User", 4, "Succeeded")]


def test_lists_and_gets_agree(azure: ContainerServiceClient) -> None:
    one = azure.managed_clusters.get(GROUP, "shop-prod").as_dict()
    assert one == next(iter(azure.managed_clusters.list_by_resource_group(GROUP))).as_dict()
    listed = {pool.name: pool for pool in azure.agent_pools.list(GROUP, "shop-prod")}
    got = azure.agent_pools.get(GROUP, "shop-prod", "web")
    assert listed["web"].properties == got.properties
    embedded = next(pool for pool in one["properties"]["agentPoolProfiles"] if pool["name"] == "web")
    assert embedded == {"name": "web", **got.as_dict()["properties"]}


def test_ids_in_lists_are_written_in_small_letters(azure: ContainerServiceClient) -> None:
    (listed,) = [pool for pool in azure.agent_pools.list(GROUP, "shop-prod") if pool.name == "web"]
    got = azure.agent_pools.get(GROUP, "shop-prod", "web")
    assert got.id == WEB
    assert listed.id != got.id
    assert str(listed.id).lower() == str(got.id).lower()


def test_machines_exist_once_they_boot(lab: LabThread, pools: Pools) -> None:
    pools.resize(6)
    names = [machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "web")]
    assert len(names) == 4
    lab.advance(181)
    machines = list(pools.azure.machines.list(GROUP, "shop-prod", "web"))
    assert [machine.name for machine in machines][:4] == names
    assert str(machines[-1].name).endswith("-vmss000005")
    assert {zone for machine in machines for zone in machine.zones or []} == {"1", "2", "3"}
    one = pools.azure.machines.get(GROUP, "shop-prod", "web", str(machines[0].name))
    assert one.as_dict() == machines[0].as_dict()


@pytest.mark.parametrize(
    ("subscription", "group", "cluster", "pool", "code"),
    [
        pytest.param("ffffffff", GROUP, "shop-prod", "web", "SubscriptionNotFound", id="subscription"),
        pytest.param(SUBSCRIPTION, "none", "shop-prod", "web", "ResourceGroupNotFound", id="group"),
        pytest.param(SUBSCRIPTION, GROUP, "none", "web", "ResourceNotFound", id="cluster"),
        pytest.param(SUBSCRIPTION, GROUP, "shop-prod", "none", "NotFound", id="pool"),
    ],
)
def test_what_is_not_there(lab: LabThread, subscription: str, group: str, cluster: str, pool: str, code: str) -> None:
    with client(lab, subscription) as azure, pytest.raises(ResourceNotFoundError) as caught:
        azure.agent_pools.get(group, cluster, pool)
    assert caught.value.error is not None
    assert caught.value.error.code == code
    assert lab.journal()[-1]["result"] == code


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", WEB, 400, "MissingApiVersionParameter", id="no-version"),
        pytest.param("GET", f"{WEB}?api-version=2019-01-01", 400, "InvalidApiVersionParameter", id="bad-version"),
        pytest.param("PATCH", f"{WEB}?{VERSION}", 405, "MethodNotAllowed", id="method"),
        pytest.param("GET", f"{CLUSTERS}/shop-prod/nothing?{VERSION}", 404, "InvalidResourceType", id="type"),
        pytest.param("GET", f"/subscriptions/{SUBSCRIPTION}/nothing?{VERSION}", 404, "InvalidResourceType", id="place"),
        pytest.param("GET", f"/nothing?{VERSION}", 404, "MissingSubscription", id="no-subscription"),
        pytest.param(
            "GET",
            f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Nothing/things?{VERSION}",
            404,
            "InvalidResourceNamespace",
            id="namespace",
        ),
        pytest.param("PUT", f"{WEB}?{VERSION}", 400, "InvalidRequestContent", id="no-body"),
        pytest.param(
            "GET",
            f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService"
            "/locations/westeurope/operations/11111111-1111-4111-8111-111111111111",
            404,
            "NotFound",
            id="unknown-operation",
        ),
        pytest.param("GET", f"{CLUSTERS}?{VERSION}&$skiptoken=x", 400, "InvalidSkipToken", id="skip-token"),
    ],
)
def test_refusals_come_in_arms_envelope(send: Send, method: str, path: str, status: int, code: str) -> None:
    response = send(method, path)
    body = response.json()
    assert (response.status_code, body["error"]["code"]) == (status, code)
    assert body["error"]["message"]


def test_an_unknown_type_is_named_with_its_namespace_and_the_versions(send: Send) -> None:
    error = send("GET", f"{CLUSTERS}/shop-prod/nothing?{VERSION}").json()["error"]
    assert error["message"].startswith(
        "The resource type 'managedClusters/nothing' could not be found in the namespace "
        "'Microsoft.ContainerService' for api version '2026-08-01'. The supported api-versions are '"
    )


def test_a_method_that_there_is_not_is_told_with_those_that_there_are(send: Send) -> None:
    answer = send("PATCH", f"{WEB}?{VERSION}")
    assert answer.headers["Allow"] == "DELETE, GET, PUT"
    assert answer.json()["error"]["message"] == "The requested resource does not support http method 'PATCH'."


def test_the_supported_versions_are_listed(send: Send) -> None:
    message = send("GET", f"{WEB}?api-version=2019-01-01").json()["error"]["message"]
    assert "2025-10-01" in message
    assert "2026-08-01" in message


@pytest.mark.parametrize("change", [str.lower, str.upper], ids=["lower", "upper"])
def test_paths_are_matched_whatever_their_case(send: Send, change: Any) -> None:
    response = send("GET", f"{change(WEB)}?{VERSION}")
    assert response.status_code == 200
    assert response.json()["id"] == WEB


def test_operation_urls_take_any_version(lab: LabThread, pools: Pools, send: Send) -> None:
    pools.resize(5)
    path = pools.headers["Azure-AsyncOperation"].partition("?")[0]
    for query in ("", "?api-version=2016-03-30", f"?{VERSION}"):
        assert send("GET", path + query).json()["status"] == "InProgress"
    assert send("GET", path.replace("westeurope", "eastus")).status_code == 404


def test_every_answer_has_arms_headers(send: Send) -> None:
    first = send("GET", f"{WEB}?{VERSION}", headers={"x-ms-correlation-request-id": "mine"}).headers
    second = send("GET", f"{CLUSTERS}/none?{VERSION}").headers
    assert first["x-ms-correlation-request-id"] == "mine"
    assert first["x-ms-request-id"] != second["x-ms-request-id"]
    assert second["x-ms-correlation-request-id"]
    left = [int(answer["x-ms-ratelimit-remaining-subscription-reads"]) for answer in (first, second)]
    assert left == [249, 248]


def test_writes_are_counted_apart(pools: Pools) -> None:
    pools.resize(5)
    assert pools.headers["x-ms-ratelimit-remaining-subscription-writes"] == "199"
    assert "x-ms-ratelimit-remaining-subscription-reads" not in pools.headers


def test_the_sdk_follows_pages() -> None:
    names = tuple(f"shop-{number}" for number in range(5))
    system = (AksPool(name="system", mode="System"),)
    seed = Seed(azure=AzureSeed(clusters=tuple(AksCluster(name=name, pools=system) for name in names)))

    def switch(inside: Lab) -> None:
        engine_of(inside).switches = Switches(page_size=2)

    with LabThread(seed) as lab, client(lab) as azure:
        lab.run(switch)
        assert [cluster.name for cluster in azure.managed_clusters.list()] == list(names)
        lists = [entry for entry in lab.journal() if entry["operation"] == "ManagedClusters_List"]
        assert len(lists) == 3


@pytest.mark.parametrize(
    ("method", "path", "calls", "code"),
    [
        pytest.param("GET", CLUSTERS.partition("/resourceGroups")[0], 250, "TooManyRequests", id="arm-reads"),
        pytest.param("GET", WEB, 60, "Throttled", id="other-calls-of-a-subscription"),
        pytest.param("GET", CLUSTERS, 60, "Throttled", id="lists-of-a-group"),
        pytest.param("GET", f"{CLUSTERS}/shop-prod", 60, "Throttled", id="gets-of-a-cluster"),
        pytest.param("PUT", WEB, 20, "Throttled", id="puts-of-a-pool"),
    ],
)
def test_empty_buckets_refuse(lab: LabThread, send: Send, method: str, path: str, calls: int, code: str) -> None:
    body: dict[str, Any] = {"json": {"properties": {}}} if method == "PUT" else {}
    if code == "TooManyRequests":
        path = f"{path}/providers/Microsoft.ContainerService/managedClusters"
    for _ in range(calls):
        assert send(method, f"{path}?{VERSION}", **body).status_code == 200
    refused = send(method, f"{path}?{VERSION}", **body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, code)
    wait_s = int(refused.headers["Retry-After"])
    assert wait_s == (60 if method == "PUT" else 1)
    lab.advance(wait_s)
    assert send(method, f"{path}?{VERSION}", **body).status_code == 200


def test_throttling_can_be_switched_off(lab: LabThread, send: Send) -> None:
    lab.run(lambda inside: setattr(engine_of(inside), "switches", Switches(throttle=False)))
    statuses = {send("GET", f"{WEB}?{VERSION}").status_code for _ in range(70)}
    assert statuses == {200}
