"""The discovery document as a second description: what we answer and read, against its schemas, all the way down.

`discovery_facts.yaml` (made by `support.discoveryfacts`) holds the facts of every schema that a method of the lab
reaches; the protos are the first description.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud.container_v1.types import cluster_service as cs

from multicloud_lab.gke.methods import METHODS
from multicloud_lab.gke.rest import _SYSTEM
from multicloud_lab.gke.routes import find, routes
from multicloud_lab.thread import LabThread
from support.discoveryfacts import named
from support.gkewires import Plain, token_of
from support.protos import as_json, filled, parts_of

FACTS = yaml.safe_load(Path(__file__).with_name("discovery_facts.yaml").read_text(encoding="utf-8"))
SCHEMAS: dict[str, dict[str, Any]] = FACTS["schemas"]
LOCATIONS = "projects/shop-prod-1/locations"
REGIONAL = f"{LOCATIONS}/europe-west1/clusters/shop-prod"
WEB = f"{REGIONAL}/nodePools/web"

ONLY_IN_DOCUMENT = {
    "AddonsConfig": {"wizSensorConfig"},
    "AdditionalPodNetworkConfig": {"networkAttachment"},
    "Cluster": {"parentProductConfig"},
    "ClusterAutoscaling": {"autoprovisioningRestrictionConfig"},
    "EphemeralStorageLocalSsdConfig": {"ephemeralCapacityGb"},
    "GPUDriverInstallationConfig": {"specificVersion"},
    "LinuxNodeConfig": {
        "additionalEtcHosts",
        "additionalEtcResolvConf",
        "additionalEtcSystemdResolvedConf",
        "kernelOverrides",
        "timeZone",
    },
    "NetworkConfig": {"ambientNetworkingConfig"},
    "NodeKubeletConfig": {
        "containerLogMaxWorkers",
        "containerLogMonitorInterval",
        "reservedResourcesConfig",
        "reservedSystemCpus",
    },
    "NodeNetworkConfig": {"datapathProvider", "network"},
    "NodePool": {"autopilotConfig"},
    "ReleaseChannelConfig": {"customVersions", "previewVersions"},
    "UpdateNodePoolRequest": {"nodeConfigUpdateMode"},
}
"""Properties that the protos of google-cloud-container 2.67 have not yet, and so the lab has not.

It never answers them, and refuses a request that holds one as it refuses any name that it does not know.
"""
ONLY_IN_DOCUMENTS_ENUMS = {
    "GPUDriverInstallationConfig.gpuDriverVersion": {"SPECIFIC"},
    "NetworkConfig.datapathProvider": {"MIGRATE_TO_ADVANCED_DATAPATH", "MIGRATE_TO_LEGACY_DATAPATH"},
    "SandboxConfig.type": {"MICROVM"},
}
"""Values that the protos have not yet, for the same reason."""

NOT_UPDATED = ("image", "imageProject")
"""Fields of UpdateNodePool that the lab says it does not serve: images of one's own."""

ANSWER = {
    "ListClusters": "ListClustersResponse",
    "GetCluster": "Cluster",
    "ListNodePools": "ListNodePoolsResponse",
    "GetNodePool": "NodePool",
    "GetServerConfig": "ServerConfig",
    "ListOperations": "ListOperationsResponse",
    "CancelOperation": "Empty",
}
"""The schema of a method's answer; Operation where none is said."""

TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "boolean": (bool,), "number": (int, float)}


def mistakes(value: object, kind: str | list[str], path: str) -> list[str]:
    """Say where a JSON value does not fit a kind of the facts."""
    if isinstance(kind, list):
        values = value if kind[0] == "enums" and isinstance(value, list) else [value]
        return [f"{path}: {each!r} is none of {kind[1:]}" for each in values if each not in kind[1:]]
    if kind in TYPES:
        return [] if type(value) in TYPES[kind] else [f"{path}: {value!r} is no {kind}"]
    if kind == "any":
        return []
    return mistakes_inside(value, kind, path)


def mistakes_inside(value: object, kind: str, path: str) -> list[str]:
    wanted = list if kind.startswith("[") else dict
    if not isinstance(value, wanted):
        return [f"{path}: is no {wanted.__name__}"]
    if isinstance(value, list):
        inside: list[tuple[str, object, Any]] = [(f"[{at}]", item, kind[1:-1]) for at, item in enumerate(value)]
    elif kind.startswith("{"):
        inside = [(f".{name}", item, kind[1:-1]) for name, item in value.items()]
    else:
        inside = [(f".{name}", item, SCHEMAS[kind][name]) for name, item in value.items() if name in SCHEMAS[kind]]
        unknown = [f"{path}.{name}: is not in {kind}" for name in value if name not in SCHEMAS[kind]]
        return unknown + [one for at, item, inner in inside for one in mistakes(item, inner, path + at)]
    return [one for at, item, inner in inside for one in mistakes(item, inner, path + at)]


@pytest.fixture
def rest(lab: LabThread) -> Plain:
    return Plain(lab.document["gke"]["rest"], token_of(lab))


def test_the_check_finds_mistakes() -> None:
    assert mistakes({"status": "RUNNING", "initialNodeCount": 3}, "NodePool", "") == []
    wrong: dict[str, object] = {"status": "BROKEN", "initialNodeCount": "3", "nodes": 1, "locations": [1]}
    wrong["conditions"] = [{"kode": "x"}]
    wrong["config"] = {"labels": {"a": 1}, "linuxNodeConfig": {"hugepages": 2, "sysctls": {"a": "b"}}}
    wrong["upgradeSettings"] = {"blueGreenSettings": {"standardRolloutPolicy": {"batchPercentage": "x"}}}
    assert len(mistakes(wrong, "NodePool", "")) == 8


def test_every_schema_that_a_fact_names_is_there() -> None:
    names = {named(kind) for schema in SCHEMAS.values() for kind in schema.values()}
    assert names - SCHEMAS.keys() == {"", "any", *TYPES}


def test_every_answer_fits_the_discovery_document(lab: LabThread, rest: Plain) -> None:
    settings = {
        "name": "extra",
        "initialNodeCount": 2,
        "config": {"machineType": "n2-standard-8", "labels": {"a": "b"}, "taints": [{"key": "k", "value": "v"}]},
        "autoscaling": {"enabled": True, "totalMaxNodeCount": 12, "locationPolicy": "ANY"},
        "upgradeSettings": {"maxSurge": 2},
    }
    operation = rest("CreateNodePool", parent=REGIONAL, nodePool=settings)
    name = f"{LOCATIONS}/europe-west1/operations/{operation['name']}"
    found = mistakes(operation, "Operation", "CreateNodePool")
    rest("CancelOperation", name=name)
    lab.advance(60)
    lab.run(lambda inner: inner.capacity.set_free("gcp", None, None, 0))
    lab.advance(1)
    failed = rest("SetNodePoolSize", name=WEB, nodeCount=5)
    lab.advance(400)
    failed_name = f"{LOCATIONS}/europe-west1/operations/{failed['name']}"
    asked: list[tuple[str, dict[str, object]]] = [
        ("ListClusters", {"parent": f"{LOCATIONS}/-"}),
        ("GetCluster", {"name": REGIONAL}),
        ("ListNodePools", {"parent": REGIONAL}),
        ("GetNodePool", {"name": WEB}),
        ("GetServerConfig", {"name": f"{LOCATIONS}/europe-west1"}),
        ("GetOperation", {"name": name}),
        ("GetOperation", {"name": failed_name}),
        ("ListOperations", {"parent": f"{LOCATIONS}/-"}),
    ]
    for method, request in asked:
        answer = rest(method, **request)
        assert answer
        found += mistakes(answer, ANSWER.get(method, "Operation"), method)
    assert found == []
    assert rest("GetNodePool", name=WEB)["status"] == "RUNNING_WITH_ERROR"
    assert rest("GetOperation", name=failed_name)["error"]["code"] == 8


def test_a_pool_with_every_setting_is_given_back_as_the_document_describes_it(lab: LabThread, rest: Plain) -> None:
    settings = as_json(filled(cs.NodePool.pb().DESCRIPTOR))
    own = {"name": "full", "initialNodeCount": 1, "locations": ["europe-west1-b"], "version": "-"}
    block = {"enabled": True, "totalMaxNodeCount": 9}
    config = {**settings["config"], "machineType": "e2-standard-4"}
    assert mistakes(settings, "NodePool", "") == []
    rest("CreateNodePool", parent=REGIONAL, nodePool={**settings, **own, "autoscaling": block, "config": config})
    lab.advance(400)
    pool = rest("GetNodePool", name=f"{REGIONAL}/nodePools/full")
    assert mistakes(pool, "NodePool", "") == []
    assert pool["config"] == config
    others = settings.keys() - own.keys() - {"autoscaling", "config"} - pool.keys()
    # What only Google says, and the lab has nothing to say of.
    assert others == {"conditions", "kubeletCertInfo", "podIpv4CidrSize", "statusMessage", "updateInfo"}


def test_an_update_of_every_setting_is_given_back_as_the_document_describes_it(lab: LabThread, rest: Plain) -> None:
    update = as_json(filled(cs.UpdateNodePoolRequest.pb().DESCRIPTOR))
    assert mistakes(update, "UpdateNodePoolRequest", "") == []
    for field in ("projectId", "zone", "clusterId", "nodePoolId", "name", "etag", "locations", *NOT_UPDATED):
        del update[field]
    rest("UpdateNodePool", name=WEB, **{**update, "nodeVersion": "-", "machineType": "n2-standard-4"})
    lab.advance(1000)
    pool = rest("GetNodePool", name=WEB)
    assert mistakes(pool, "NodePool", "") == []
    assert pool["config"]["linuxNodeConfig"] == update["linuxNodeConfig"]
    assert pool["upgradeSettings"] == update["upgradeSettings"]


def compared(descriptor: Any, schema: str, seen: set[tuple[str, str]]) -> Iterator[tuple[str, str, set[str]]]:
    """Give every difference between a message and a schema, and below: schema, field ("" for the schema), names."""
    if (descriptor.full_name, schema) in seen:
        return
    seen.add((descriptor.full_name, schema))
    protos, facts = {field.json_name: field for field in descriptor.fields}, SCHEMAS[schema]
    yield schema, "", protos.keys() ^ facts.keys()
    for name in protos.keys() & facts.keys():
        shape, inner = parts_of(protos[name])
        kind = facts[name]
        if isinstance(inner, set):
            assert kind[0] == {"": "enum", "[]": "enums"}[shape], f"{schema}.{name}: {kind}"
            yield schema, name, inner ^ set(kind[1:])
        elif isinstance(inner, str):
            assert kind == shape[:1] + inner + shape[1:], f"{schema}.{name}: {kind}"
        else:
            assert isinstance(kind, str), f"{schema}.{name}: {kind}"
            assert kind == shape[:1] + named(kind) + shape[1:], f"{schema}.{name}: {kind}"
            yield from compared(inner, named(kind), seen)


def test_the_protos_and_the_document_know_the_same_fields_types_and_enums_all_the_way_down() -> None:
    seen: set[tuple[str, str]] = set()
    properties: dict[str, set[str]] = {}
    values: dict[str, set[str]] = {}
    for operation, method in METHODS.items():
        pairs = [(method.request, f"{operation}Request"), (method.response, ANSWER.get(operation, "Operation"))]
        for message, schema in pairs:
            if schema not in SCHEMAS or schema == "Empty":
                continue  # what a GET names stands in its path
            for where, field, names in compared(message.pb().DESCRIPTOR, schema, seen):
                if names:
                    (values if field else properties)[f"{where}.{field}" if field else where] = names
    assert properties == ONLY_IN_DOCUMENT
    assert values == ONLY_IN_DOCUMENTS_ENUMS
    assert len({schema for _, schema in seen}) == 215


def test_what_the_protos_have_not_is_refused_as_unknown(rest: Plain) -> None:
    for schema, names in ONLY_IN_DOCUMENT.items():
        assert names <= SCHEMAS[schema].keys()
    answer = rest.send("PUT", f"/v1/{WEB}", {"nodeConfigUpdateMode": "x"})
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_every_method_has_its_path() -> None:
    assert len(routes()) == 70
    with_path = {route.operation for route in routes()}
    assert set(METHODS) <= with_path
    for old in (False, True):
        assert find("GET", "/v1/projects/p/zones/z/clusters/c", zone_paths=old) is None or old


def test_the_parameters_of_every_method_are_known() -> None:
    assert set(FACTS["parameters"]) <= _SYSTEM
