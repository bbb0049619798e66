"""Objects of our kinds as the API server stores them, small and valid; tests change what they are about."""

from copy import deepcopy
from typing import Any

BLOCKS: dict[str, dict[str, Any]] = {
    "eks": {"cluster": "shop-prod", "region": "us-east-1", "nodeGroup": "web"},
    "aks": {"resourceGroup": "shop", "cluster": "shop-prod", "agentPool": "web"},
    "gke": {"location": "europe-west1-b", "cluster": "shop-batch", "nodePool": "web"},
}
PROVIDERS: dict[str, dict[str, Any]] = {
    "aws": {},
    "azure": {
        "tenantId": "00000000-0000-0000-0000-0000000000aa",
        "clientId": "00000000-0000-0000-0000-0000000000bb",
        "subscriptionId": "00000000-0000-0000-0000-000000000001",
    },
    "gcp": {"project": "shop-prod-1"},
}


NO_PRICES: tuple[object, ...] = (
    "-0.1",
    "0.0",
    "0.00001",
    "1000.01",
    "1e3",
    "1,5",
    ".5",
    "00.5",
    "0.1234567",
    "free",
    "",
    " 1",
    "1\n",
    0.192,
)
"""What no hourlyPrice can be: negative, too small, too large, not a plain decimal, or not a string."""


def member(name: str, block: str = "eks", **fields: Any) -> dict[str, Any]:
    """A member of a cloud; fields as in manifests."""
    made = {"name": name, "accountRef": {"name": "account"}, block: deepcopy(BLOCKS[block]), "maxNodes": 10}
    return {**made, **fields}


def account(provider: str = "aws", **spec: Any) -> dict[str, Any]:
    """A CloudAccount `account` in namespace `shop`; further fields of spec by name."""
    return {
        "apiVersion": "multicloud.dev/v1alpha1",
        "kind": "CloudAccount",
        "metadata": {"name": "account", "namespace": "shop"},
        "spec": {"provider": provider, provider: deepcopy(PROVIDERS[provider]), **spec},
    }


def pool(name: str = "web", namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    """A MultiCloudPool of one EKS member; further fields of spec by name, None takes a field away."""
    whole = {"minReplicas": 1, "maxReplicas": 10, "members": [member("east")], **spec}
    return {
        "apiVersion": "multicloud.dev/v1alpha1",
        "kind": "MultiCloudPool",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {field: value for field, value in whole.items() if value is not None},
    }


def prometheus(name: str = "rps", query: str = "sum(rate(requests[1m]))", value: str = "200") -> dict[str, Any]:
    """A metric of one query, to be kept at so much a unit."""
    return {"name": name, "prometheus": {"query": query}, "target": {"type": "AverageValue", "value": value}}


def policy(name: str = "web", namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    """A ScalingPolicy of the pool `web` with one metric; further fields of spec by name, None takes a field away."""
    whole = {"poolRef": {"name": "web"}, "metrics": [prometheus()], **spec}
    return {
        "apiVersion": "multicloud.dev/v1alpha1",
        "kind": "ScalingPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {field: value for field, value in whole.items() if value is not None},
    }
