"""What AKS takes and refuses as a wished pool: each row a PUT on the default seed."""

from typing import Any

import pytest
from azure.mgmt.containerservice.models import ManagedClusterAgentPoolProfileProperties

from multicloud_lab.aks import AksEngine, rules
from multicloud_lab.aks.errors import ArmError
from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.seed import AksCluster, AksPool, AzureSeed, Seed
from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, GROUP, Pools, Send, engine_of

NEW = {"vmSize": "Standard_D4s_v5", "count": 2, "mode": "User"}
AUTO = {"enableAutoScaling": True, "minCount": 2, "maxCount": 6}


def put(send: Send, name: str, properties: Any) -> tuple[int, str, str]:
    """Return status, error code and error target (or provisioningState and an empty text)."""
    response = send(
        "PUT", f"{CLUSTERS}/shop-prod/agentPools/{name}?api-version=2026-08-01", json={"properties": properties}
    )
    body = response.json()
    if response.status_code >= 400:
        return response.status_code, body["error"]["code"], body["error"].get("target", "")
    return response.status_code, body["properties"]["provisioningState"], ""


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        pytest.param("web", {"count": 0}, (200, "Scaling", ""), id="user-pool-to-0"),
        pytest.param("web", {"count": 1000}, (200, "Scaling", ""), id="user-pool-to-1000"),
        pytest.param("web", {"count": 1001}, (400, "InvalidParameter", "agentPoolProfile.count"), id="above-1000"),
        pytest.param("web", {"count": -1}, (400, "InvalidParameter", "agentPoolProfile.count"), id="below-0"),
        pytest.param("web", {"count": "5"}, (400, "InvalidRequestContent", ""), id="count-as-text"),
        pytest.param("web", {"count": True}, (400, "InvalidRequestContent", ""), id="count-as-bool"),
        pytest.param("web", {"cuont": 5}, (400, "InvalidRequestContent", ""), id="unknown-name"),
        pytest.param("web", None, (400, "InvalidRequestContent", ""), id="no-properties"),
        pytest.param("system", {"mode": "System", "count": 1}, (200, "Scaling", ""), id="system-pool-to-1"),
        pytest.param(
            "system",
            {"mode": "System", "count": 0},
            (400, "InvalidParameter", "agentPoolProfile.count"),
            id="system-pool-to-0",
        ),
        pytest.param(
            "system", {"count": 3}, (400, "InvalidParameter", "agentPoolProfile.mode"), id="system-mode-not-repeated"
        ),
        pytest.param("web", {"mode": "System", "count": 4}, (200, "Updating", ""), id="user-becomes-system"),
        pytest.param("web", {"mode": "Machines"}, (400, "InvalidParameter", "agentPoolProfile.mode"), id="other-mode"),
        pytest.param(
            "web",
            {"mode": "Gateway", "count": 4},
            (400, "InvalidParameter", "agentPoolProfile.count"),
            id="more-than-a-gateways-addresses",
        ),
        pytest.param(
            "web",
            {"mode": "Gateway", "count": 4, "gatewayProfile": {"publicIPPrefixSize": 30}},
            (200, "Updating", ""),
            id="gateway",
        ),
        pytest.param("web", {"count": 4, **AUTO}, (200, "Scaling", ""), id="autoscaler-on"),
        pytest.param(
            "web", {**AUTO, "count": 9}, (400, "InvalidParameter", "agentPoolProfile.count"), id="count-out-of-range"
        ),
        pytest.param(
            "web",
            {"enableAutoScaling": True, "minCount": 5, "maxCount": 4},
            (400, "InvalidParameter", "agentPoolProfile.minCount"),
            id="min-above-max",
        ),
        pytest.param(
            "web",
            {"enableAutoScaling": True, "minCount": 2},
            (400, "InvalidParameter", "agentPoolProfile.minCount"),
            id="autoscaler-without-max",
        ),
        pytest.param(
            "web",
            {"minCount": 2, "maxCount": 6},
            (400, "InvalidParameter", "agentPoolProfile.minCount"),
            id="range-without-autoscaler",
        ),
        pytest.param(
            "web",
            {"vmSize": "Standard_D8s_v5"},
            (400, "PropertyChangeNotAllowed", "properties.vmSize"),
            id="vm-size-is-immutable",
        ),
        pytest.param(
            "web",
            {"osType": "Windows"},
            (400, "PropertyChangeNotAllowed", "properties.osType"),
            id="os-type-is-immutable",
        ),
        pytest.param(
            "web",
            {"type": "AvailabilitySet"},
            (400, "PropertyChangeNotAllowed", "properties.type"),
            id="type-is-immutable",
        ),
        pytest.param(
            "web",
            {"nodeImageVersion": "AKSUbuntu-2204-1"},
            (400, "InvalidParameter", "agentPoolProfile.nodeImageVersion"),
            id="unknown-image",
        ),
        pytest.param("web", {"nodeLabels": {"a": "b"}}, (200, "Updating", ""), id="labels"),
        pytest.param("web", {"nodeLabels": {"a": "b"}, "count": 5}, (200, "Updating", ""), id="labels-and-count"),
        pytest.param("web", {"orchestratorVersion": "1.36.2"}, (200, "Upgrading", ""), id="version"),
        pytest.param("web", {"orchestratorVersion": "", "count": 5}, (200, "Scaling", ""), id="version-left-open"),
        pytest.param("web", {"provisioningState": "x", "eTag": "y"}, (200, "Succeeded", ""), id="read-only-ignored"),
        pytest.param("new", NEW, (201, "Creating", ""), id="create"),
        pytest.param("WEB", {"count": 5}, (200, "Scaling", ""), id="name-in-capitals"),
        pytest.param("New", NEW, (400, "InvalidParameter", "agentPoolProfile.name"), id="create-in-capitals"),
        pytest.param("1new", NEW, (400, "InvalidParameter", "agentPoolProfile.name"), id="digit-first"),
        pytest.param("abcdefghijkl", NEW, (201, "Creating", ""), id="twelve-letters"),
        pytest.param("abcdefghijklm", NEW, (400, "InvalidParameter", "agentPoolProfile.name"), id="thirteen-letters"),
        pytest.param(
            "sevenwi",
            {**NEW, "osType": "Windows"},
            (400, "InvalidParameter", "agentPoolProfile.name"),
            id="windows-name-of-seven",
        ),
        pytest.param(
            "win",
            {**NEW, "osType": "Windows", "mode": "System"},
            (400, "InvalidParameter", "agentPoolProfile.mode"),
            id="windows-system-pool",
        ),
        pytest.param(
            "new", {"count": 2}, (400, "InvalidParameter", "agentPoolProfile.vmSize"), id="create-without-size"
        ),
        pytest.param(
            "system",
            {"mode": "System", "powerState": {"code": "Stopped"}},
            (400, "InvalidParameter", "agentPoolProfile.powerState"),
            id="stop-a-system-pool",
        ),
    ],
)
def test_put(send: Send, pools: Pools, name: str, properties: Any, expected: tuple[int, str, str]) -> None:
    before = pools.get("web").as_dict(), pools.get("system").as_dict()
    assert put(send, name, properties) == expected
    if expected[0] == 400:
        assert (pools.get("web").as_dict(), pools.get("system").as_dict()) == before


def test_a_system_pool_may_become_user_beside_another(send: Send) -> None:
    put(send, "new", {**NEW, "mode": "System"})
    assert put(send, "system", {"mode": "User"})[0] == 200


def test_the_autoscaler_goes_off_without_its_range(lab: LabThread, send: Send, pools: Pools) -> None:
    put(send, "web", {"count": 4, **AUTO})
    lab.advance(300)
    assert put(send, "web", {"enableAutoScaling": False, "count": 3}) == (200, "Scaling", "")
    lab.advance(300)
    pool = pools.get()
    assert (pool.enable_auto_scaling, pool.min_count, pool.max_count, pool.count) == (False, None, None, 3)


def test_a_cluster_has_at_most_5000_nodes(send: Send) -> None:
    for number in range(4):
        assert put(send, f"big{number}", {**NEW, "count": 1000})[0] == 201
    assert put(send, "big4", {**NEW, "count": 995}) == (400, "InvalidParameter", "agentPoolProfile.count")
    assert put(send, "big4", {**NEW, "count": 994})[0] == 201


@pytest.mark.parametrize(("omitted_maps", "left"), [("clear", None), ("keep", {"team": "shop"})])
def test_omitted_maps_are_a_switch(
    lab: LabThread, send: Send, pools: Pools, omitted_maps: str, left: dict[str, str] | None
) -> None:
    def switch(inside: Lab) -> None:
        engine_of(inside).switches = Switches(omitted_maps="clear" if omitted_maps == "clear" else "keep")

    lab.run(switch)
    put(send, "web", {"nodeLabels": {"team": "shop"}, "count": 4})
    lab.advance(300)
    put(send, "web", {"count": 5})
    assert pools.get().node_labels == left


def switch(lab: LabThread, **changes: Any) -> None:
    def turn(inside: Lab) -> None:
        engine_of(inside).switches = Switches(**changes)

    lab.run(turn)


@pytest.mark.parametrize(
    ("whose", "user", "system"),
    [("User", 200, 400), ("all", 200, 200), ("none", 400, 400)],
    ids=["User", "all", "none"],
)
def test_whose_minimum_may_be_0_is_a_switch(lab: LabThread, send: Send, whose: str, user: int, system: int) -> None:
    switch(lab, min_count_zero=whose)
    assert put(send, "web", {"count": 4, **AUTO, "minCount": 0})[0] == user
    assert put(send, "system", {"mode": "System", "count": 2, **AUTO, "minCount": 0})[0] == system
    assert lab.violations() == []


def test_an_autoscaler_keeps_a_node_in_a_system_pool_whatever_its_minimum(lab: LabThread, send: Send) -> None:
    switch(lab, min_count_zero="all")
    put(send, "system", {"mode": "System", "count": 2, **AUTO, "minCount": 0})
    with pytest.raises(ArmError, match="0 is not within"):
        lab.run(lambda inside: engine_of(inside).autoscale("shop-prod", "system", 0))
    lab.run(lambda inside: engine_of(inside).autoscale("shop-prod", "system", 1))


@pytest.mark.parametrize("code", ["PropertyChangeNotAllowed", "InvalidParameter", "BadRequest"])
def test_the_code_for_what_cannot_change_is_a_switch(lab: LabThread, send: Send, code: str) -> None:
    switch(lab, immutable_code=code)
    assert put(send, "web", {"vmSize": "Standard_D8s_v5"}) == (400, code, "properties.vmSize")


@pytest.mark.parametrize("code", ["MaxAgentPoolCountReached", "OperationNotAllowed"])
def test_the_code_for_a_pool_too_many_is_a_switch(lab: LabThread, send: Send, pools: Pools, code: str) -> None:
    switch(lab, max_pools=3, pool_limit_code=code)
    assert put(send, "third", NEW)[0] == 201
    assert put(send, "fourth", NEW) == (400, code, "")
    assert put(send, "web", {"count": 5})[0] == 200
    assert {pool.name for pool in pools.azure.agent_pools.list(GROUP, "shop-prod")} == {"system", "web", "third"}
    cluster = pools.azure.managed_clusters.get(GROUP, "shop-prod")
    assert cluster.properties is not None
    assert cluster.properties.max_agent_pools == 3


def test_a_cluster_has_at_most_100_pools(send: Send) -> None:
    statuses = [put(send, f"pool{number}", {**NEW, "count": 0})[0] for number in range(98)]
    assert statuses == [201] * 98
    assert put(send, "pool98", {**NEW, "count": 0}) == (400, "MaxAgentPoolCountReached", "")


@pytest.mark.parametrize(
    ("method", "rest", "verb"),
    [("GET", "", "read"), ("GET", "/web", "read"), ("PUT", "/web", "write"), ("DELETE", "/web", "delete")],
)
@pytest.mark.parametrize("code", ["ResourceNotFound", "ParentResourceNotFound"])
def test_the_404_inside_an_unknown_cluster_is_a_switch(
    lab: LabThread, send: Send, method: str, rest: str, verb: str, code: str
) -> None:
    switch(lab, unknown_cluster_code=code)
    body = {"json": {"properties": NEW}} if method == "PUT" else {}
    answer = send(method, f"{CLUSTERS}/none/agentPools{rest}?api-version=2026-08-01", **body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)
    assert (f"'{verb}'" in answer.json()["error"]["message"]) is (code == "ParentResourceNotFound")
    cluster = send("GET", f"{CLUSTERS}/none?api-version=2026-08-01")
    assert cluster.json()["error"]["code"] == "ResourceNotFound"


def test_every_property_of_the_model_is_known() -> None:
    fields = ManagedClusterAgentPoolProfileProperties()._attr_to_rest_field.values()
    assert {field._rest_name for field in fields} == rules.WRITABLE | rules.READ_ONLY


def test_a_seed_may_hold_an_autoscaled_spot_pool() -> None:
    spot = AksPool(name="spot", scale_set_priority="Spot", enable_auto_scaling=True, min_count=1, max_count=5, count=3)
    cluster = AksCluster(name="one", pools=(AksPool(name="system", mode="System"), spot))
    lab = Lab(Seed(azure=AzureSeed(clusters=(cluster,))))
    lab.engines["azure"] = engine = AksEngine(lab)
    pool = engine.clusters[0].pools["spot"]
    assert (pool.spec["minCount"], pool.spec["spotMaxPrice"], pool.sets["Standard_D4s_v5"].ready) == (1, -1, 3)
    with pytest.raises(ArmError, match="not within minCount 1 and maxCount 5"):
        engine.resize_by_hand("one", "spot", 6)
