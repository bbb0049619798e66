"""The discovery document as a second description: what we answer and read, against its schemas.

`discovery_facts.yaml` holds the facts of the schemas; the protos are the first description.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud.container_v1.types import cluster_service as cs

from multicloud_lab.gke.methods import METHODS
from multicloud_lab.gke.rest import _SYSTEM
from multicloud_lab.gke.routes import find, routes
from multicloud_lab.thread import LabThread
from support.gkewires import Plain, token_of

FACTS = yaml.safe_load(Path(__file__).with_name("discovery_facts.yaml").read_text(encoding="utf-8"))
SCHEMAS: dict[str, dict[str, Any]] = FACTS["schemas"]
LOCATIONS = "projects/shop-prod-1/locations"
REGIONAL = f"{LOCATIONS}/europe-west1/clusters/shop-prod"
ONLY_IN_DISCOVERY = {
    ("Cluster", "parentProductConfig"),
    ("NodePool", "autopilotConfig"),
    ("UpdateNodePoolRequest", "nodeConfigUpdateMode"),
}
"""What the discovery document has and the protos of the SDK have not: neither read nor answered."""
ANSWER = {
    "ListClusters": "ListClustersResponse",
    "GetCluster": "Cluster",
    "ListNodePools": "ListNodePoolsResponse",
    "GetNodePool": "NodePool",
    "GetServerConfig": "ServerConfig",
    "GetOperation": "Operation",
    "ListOperations": "ListOperationsResponse",
    "CancelOperation": "Empty",
}


TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "boolean": (bool,), "number": (int, float)}


def mistakes(value: object, kind: object, path: str) -> list[str]:
    """Say where a JSON value does not fit a kind of the facts."""
    if isinstance(kind, list):
        return [] if value in kind[1:] else [f"{path}: {value!r} is none of {kind[1:]}"]
    assert isinstance(kind, str)
    if kind in TYPES:
        return [] if type(value) in TYPES[kind] else [f"{path}: {value!r} is no {kind}"]
    if kind.startswith("["):
        items = value if isinstance(value, list) else [value]
        wrong = [] if isinstance(value, list) else [f"{path}: is no list"]
        return wrong + [
            each for index, item in enumerate(items) for each in mistakes(item, kind[1:-1], f"{path}[{index}]")
        ]
    return mistakes_of_object(value, kind, path)


def mistakes_of_object(value: object, kind: str, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: is no object"]
    if kind not in SCHEMAS:
        return []
    unknown = [f"{path}.{name}: is not in {kind}" for name in value if name not in SCHEMAS[kind]]
    known = [(name, each) for name, each in value.items() if name in SCHEMAS[kind]]
    return unknown + [one for name, each in known for one in mistakes(each, SCHEMAS[kind][name], f"{path}.{name}")]


@pytest.fixture
def rest(lab: LabThread) -> Plain:
    return Plain(lab.document["gke"]["rest"], token_of(lab))


def test_the_check_finds_mistakes() -> None:
    assert mistakes({"status": "RUNNING", "initialNodeCount": 3}, "NodePool", "") == []
    wrong = {"status": "BROKEN", "initialNodeCount": "3", "nodes": 1, "locations": [1], "conditions": [{"kode": "x"}]}
    assert len(mistakes(wrong, "NodePool", "")) == 5


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
    failed = rest("SetNodePoolSize", name=f"{REGIONAL}/nodePools/web", nodeCount=5)
    lab.advance(400)
    failed_name = f"{LOCATIONS}/europe-west1/operations/{failed['name']}"
    asked: list[tuple[str, dict[str, object]]] = [
        ("ListClusters", {"parent": f"{LOCATIONS}/-"}),
        ("GetCluster", {"name": REGIONAL}),
        ("ListNodePools", {"parent": REGIONAL}),
        ("GetNodePool", {"name": f"{REGIONAL}/nodePools/web"}),
        ("GetServerConfig", {"name": f"{LOCATIONS}/europe-west1"}),
        ("GetOperation", {"name": name}),
        ("GetOperation", {"name": failed_name}),
        ("ListOperations", {"parent": f"{LOCATIONS}/-"}),
    ]
    for method, request in asked:
        answer = rest(method, **request)
        assert answer
        found += mistakes(answer, ANSWER[method], method)
    assert found == []
    assert rest("GetNodePool", name=f"{REGIONAL}/nodePools/web")["status"] == "RUNNING_WITH_ERROR"
    assert rest("GetOperation", name=failed_name)["error"]["code"] == 8


@pytest.mark.parametrize(
    "schema", sorted(set(SCHEMAS) - {"Status", "Empty", "UpgradeSettings", "ReleaseChannelConfig"})
)
def test_the_protos_and_the_document_know_the_same_fields(schema: str) -> None:
    descriptor = getattr(cs, schema).pb().DESCRIPTOR
    protos = {field.json_name for field in descriptor.fields}
    assert {(schema, name) for name in protos ^ set(SCHEMAS[schema])} <= ONLY_IN_DISCOVERY


def test_every_method_has_its_path() -> None:
    assert len(routes()) == 70
    with_path = {route.operation for route in routes()}
    assert set(METHODS) <= with_path
    for old in (False, True):
        assert find("GET", "/v1/projects/p/zones/z/clusters/c", zone_paths=old) is None or old


def test_the_parameters_of_every_method_are_known() -> None:
    assert set(FACTS["parameters"]) <= _SYSTEM
