"""Names of things: Kubernetes objects, clusters and node pools. Made by `kinds`, used as keys everywhere."""

from dataclasses import dataclass
from enum import StrEnum


class Cloud(StrEnum):
    """A vendor's managed Kubernetes: EKS, AKS or GKE, by the provider's name."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"

    @property
    def pool_labels(self) -> tuple[str, ...]:
        """Labels by which the vendor's nodes name their node pool, the first one there counts (vendors' node labels)."""
        match self:
            case Cloud.AWS:
                return ("eks.amazonaws.com/nodegroup",)
            case Cloud.AZURE:
                return ("kubernetes.azure.com/agentpool", "agentpool")
            case Cloud.GCP:
                return ("cloud.google.com/gke-nodepool",)


GROUP = "multicloud.dev"
VERSION = "v1alpha1"


class Kind(StrEnum):
    """Our kinds, spelled as in manifests."""

    ACCOUNT = "CloudAccount"
    POOL = "MultiCloudPool"
    POLICY = "ScalingPolicy"

    @property
    def plural(self) -> str:
        """The resource name in API paths and in RBAC rules."""
        return f"{self.value.lower().removesuffix('y')}ies" if self is Kind.POLICY else f"{self.value.lower()}s"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ObjectKey:
    """One object of ours by kind, namespace and name: the key of the work queue."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        """Render as `kind/namespace/name` for logs and messages."""
        return f"{self.kind.lower()}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ClusterRef:
    """One managed cluster.

    `owner` is the AWS region's account as the credentials tell it (always empty here), the Azure subscription or
    the Google project; `group` the Azure resource group, else empty; `location` the AWS region or the Google
    location, empty for Azure, whose API is global.
    """

    cloud: Cloud
    owner: str = ""
    group: str = ""
    location: str = ""
    name: str

    @property
    def region(self) -> str:
        """The region that it stands in: a Google zone's too; empty for Azure, whose references do not name one."""
        head, _, zone = self.location.rpartition("-")
        return head if self.cloud is Cloud.GCP and len(zone) == 1 else self.location

    def __str__(self) -> str:
        """Render as the path a person would look for in the vendor's console."""
        return "/".join(part for part in (self.owner, self.group, self.location, self.name) if part)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class NodePoolRef:
    """One node pool (EKS node group, AKS agent pool, GKE node pool) of a cluster."""

    cluster: ClusterRef
    name: str

    def __str__(self) -> str:
        """Render as `cluster/pool`."""
        return f"{self.cluster}/{self.name}"
