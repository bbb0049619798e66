"""Objects of our kinds for the lab's clouds, in any namespace: secrets, accounts, pools, as plain JSON."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

VERSION = "multicloud.dev/v1alpha1"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
CLOUDS = ("aws", "azure", "gcp")
BLOCKS: Mapping[str, Mapping[str, Any]] = {
    "aws": {"eks": {"cluster": "shop-prod", "region": "us-east-1", "nodeGroup": "web"}},
    "azure": {"aks": {"resourceGroup": "shop", "cluster": "shop-prod", "agentPool": "web"}},
    "gcp": {"gke": {"location": "europe-west1-b", "cluster": "shop-batch", "nodePool": "web"}},
}
"""A node pool of four nodes in each cloud of the default seed."""

FOUND = 4
"""Nodes of each of them at the start."""

RESIZE = {"aws": "UpdateNodegroupConfig", "azure": "AgentPools_CreateOrUpdate", "gcp": "SetNodePoolSize"}
"""The call that resizes, by the name that the lab's journal and holds use."""

POLL = {"aws": "DescribeUpdate", "azure": "Operations_GetStatus", "gcp": "GetOperation"}
"""The call that asks how a resize goes."""


def secrets(credentials: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One Secret per cloud, named `<cloud>-keys`, from the lab's document."""
    aws, azure = credentials["aws"], credentials["azure"]
    return [
        secret("aws-keys", accessKeyId=aws["accessKeyId"], secretAccessKey=aws["secretAccessKey"]),
        secret("azure-keys", clientSecret=azure["clientSecret"]),
        secret("gcp-keys", **{"key.json": json.dumps(credentials["gcp"])}),
    ]


def secret(name: str, **words: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": words}


def accounts(credentials: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One CloudAccount per cloud, named after it."""
    return [account(cloud, credentials) for cloud in CLOUDS]


def account(
    cloud: str, credentials: Mapping[str, Any], *, name: str | None = None, keys: str | None = None
) -> dict[str, Any]:
    """A CloudAccount; `keys` is the name of its Secret."""
    azure = credentials["azure"]
    blocks: dict[str, dict[str, Any]] = {
        "aws": {},
        "azure": {
            "tenantId": azure["tenantId"],
            "clientId": azure["clientId"],
            "subscriptionId": SUBSCRIPTION,
        },
        "gcp": {"project": credentials["gcp"]["project_id"]},
    }
    return {
        "apiVersion": VERSION,
        "kind": "CloudAccount",
        "metadata": {"name": name or cloud},
        "spec": {
            "provider": cloud,
            cloud: blocks[cloud],
            "credentials": {"secretRef": {"name": keys or f"{cloud}-keys"}},
        },
    }


def member(cloud: str, **fields: Any) -> dict[str, Any]:
    """A member on the cloud's `web` pool; fields as in manifests replace or add."""
    return {
        "name": cloud,
        "accountRef": {"name": cloud},
        "minNodes": 0,
        "maxNodes": 60,
        **deepcopy(dict(BLOCKS[cloud])),
        **fields,
    }


def pool(name: str, *members: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A MultiCloudPool whose gates are wide open; further fields of spec by name."""
    whole: dict[str, Any] = {
        "minReplicas": 0,
        "maxReplicas": 100,
        "adoption": "Apply",
        "disruption": {
            "maxUnavailablePercent": 100,
            "maxNodesPerStep": 100,
            "stepPauseSeconds": 0,
            "scaleDownDelaySeconds": 0,
            "voluntaryMoves": "Always",
        },
        "drift": {"surplus": "Hold", "deficit": "Correct", "holdSeconds": 3600},
        "members": list(members),
    }
    return {"apiVersion": VERSION, "kind": "MultiCloudPool", "metadata": {"name": name}, "spec": {**whole, **spec}}


def policy(pool: str, query: str, per_unit: int, **spec: Any) -> dict[str, Any]:
    """A ScalingPolicy of a pool, called as the pool is, that keeps one query of the source `main` at so much a unit."""
    metric = {
        "name": "load",
        "prometheus": {"source": "main", "query": query},
        "target": {"type": "AverageValue", "value": str(per_unit)},
    }
    whole = {"poolRef": {"name": pool}, "intervalSeconds": 15, "metrics": [metric], **spec}
    return {"apiVersion": VERSION, "kind": "ScalingPolicy", "metadata": {"name": pool}, "spec": whole}


def stop_switch() -> dict[str, Any]:
    """The ConfigMap whose existence stops every cloud write."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "multicloud-stop"}}
