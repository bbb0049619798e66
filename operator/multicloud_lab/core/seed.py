"""The seed: which accounts, principals, clusters and node pools the lab starts with.

Read from YAML (or built in Python), checked by pydantic, never changed afterwards; `reset` builds
the engines' state from it again. Without a seed the default holds, in each cloud, two clusters with
two node pools each.
"""

from collections.abc import Hashable, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from multicloud_lab.core.mistakes import FilePart, first_mistake

_MERGE = "tag:yaml.org,2002:merge"

Zones = Annotated[tuple[str, ...], Field(min_length=1)]


class SeedError(Exception):
    """A seed file cannot be used; the text is one line: file, path of the field, what is allowed."""


NamedT = TypeVar("NamedT", "EksNodegroup", "AksPool", "GkePool")


def _named_once(pools: tuple[NamedT, ...]) -> tuple[NamedT, ...]:
    """Refuse two pools of one name in a cluster."""
    names = [pool.name for pool in pools]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"every name may stand once, but these stand twice: {', '.join(twice)}"
        raise ValueError(message)
    return pools


def _placed_once(places: Sequence[tuple[str, ...]]) -> None:
    """Refuse two clusters of one name in one place."""
    twice = sorted({place for place in places if places.count(place) > 1})
    if twice:
        message = f"clusters: every cluster may stand once, but these stand twice: {twice}"
        raise ValueError(message)


class Span(FilePart):
    """Virtual seconds drawn evenly between `min` and `max`."""

    min: float = Field(ge=0)
    max: float = Field(ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            message = f"min {self.min} is above max {self.max}"
            raise ValueError(message)
        return self

    def draw(self, rng: Random) -> float:
        """Draw a duration in virtual seconds."""
        return rng.uniform(self.min, self.max)


class Timings(FilePart):
    """How long the clouds take, in virtual seconds; `boot_by_type` where a machine type differs from `boot`."""

    boot: Span = Span(min=40, max=120)
    boot_by_type: dict[str, Span] = Field(default={})
    drain_s: float = Field(default=30, ge=0)
    eks_update: Span = Span(min=60, max=120)
    eks_asg_lag: Span = Span(min=2, max=5)
    aks_operation: Span = Span(min=60, max=180)
    gke_operation: Span = Span(min=60, max=150)

    def boot_of(self, instance_type: str) -> Span:
        """Return how long a machine of this type takes from request to ready."""
        return self.boot_by_type.get(instance_type, self.boot)


class AwsPrincipal(FilePart):
    """An access key; `name` is the IAM user's name in the caller identity, `allowed` patterns of IAM actions."""

    name: str = "lab"
    allowed: tuple[str, ...] = ("*",)
    access_key_id: str
    secret_access_key: str = Field(repr=False)
    account: str | None = Field(default=None, pattern=r"^\d{12}$")


class EksNodegroup(FilePart):
    """One managed node group, all nodes ready at the start."""

    name: str = Field(pattern=r"^[0-9A-Za-z][A-Za-z0-9_-]{0,62}$")
    desired: int = Field(default=4, ge=0)
    min: int = Field(default=0, ge=0)
    max: int = Field(default=200, ge=1, le=450)
    instance_type: str = "m5.large"
    capacity_type: Literal["ON_DEMAND", "SPOT"] = "ON_DEMAND"
    zones: Zones | None = None
    labels: dict[str, str] = Field(default={})

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min <= self.desired <= self.max:
            message = f"desired {self.desired} is not within min {self.min} and max {self.max}"
            raise ValueError(message)
        return self


class EksCluster(FilePart):
    """One EKS cluster; `account` absent is the default account of the seed."""

    name: str = Field(pattern=r"^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$")
    region: str = "us-east-1"
    account: str | None = Field(default=None, pattern=r"^\d{12}$")
    version: str = "1.36"
    nodegroups: Annotated[tuple[EksNodegroup, ...], AfterValidator(_named_once)] = ()


SwitchValue = bool | int | float | str | None
"""A switch: where a vendor's behaviour is not settled, the engine's `Switches` say which values there are."""


class Quota(FilePart):
    """What an account (subscription, project) may have in a region; absent: unlimited."""

    account: str
    region: str
    nodes: int | None = Field(default=None, ge=0)
    vcpus: int | None = Field(default=None, ge=0)


class Stocked(FilePart):
    """How many more machines can be had in a zone, of a type; absent: of any."""

    zone: str | None = None
    type: str | None = None
    free: int = Field(ge=0)


class CallRate(FilePart):
    """A token bucket: so many calls at once, so many a virtual second."""

    burst: int = Field(ge=1)
    per_s: float = Field(gt=0)


class _CloudSeed(FilePart):
    """What every cloud's seed may hold: limits, rates by kind of call (`core.pace` names them), switches."""

    quotas: tuple[Quota, ...] = ()
    capacity: tuple[Stocked, ...] = ()
    pace: dict[str, CallRate] = Field(default={})
    switches: dict[str, SwitchValue] = Field(default={})


class AwsSeed(_CloudSeed):
    """The accounts of AWS. A key id that is not listed is a principal of that name in `account`.

    `pod_identity_role` is the role of pods with an EKS Pod Identity.
    """

    account: str = Field(default="111122223333", pattern=r"^\d{12}$")
    pod_identity_role: str = Field(
        default="arn:aws:iam::111122223333:role/pod-identity", pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/\S+$"
    )
    principals: Annotated[tuple[AwsPrincipal, ...], Field(min_length=1)] = (
        AwsPrincipal(access_key_id="AKIALAB0000000000001", secret_access_key="lab-secret-access-key"),  # noqa: S106  (of the lab)
    )
    clusters: tuple[EksCluster, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _placed_once([(each.account or self.account, each.region, each.name) for each in self.clusters])
        return self


class AzurePrincipal(FilePart):
    """An application with a client secret; `allowed` holds patterns of RBAC operations.

    `certificate` is an X.509 certificate (PEM) with whose key it may sign instead.
    """

    name: str = "lab"
    allowed: tuple[str, ...] = ("*",)
    tenant_id: str = "00000000-0000-0000-0000-0000000000aa"
    client_id: str
    client_secret: str = Field(repr=False)
    certificate: str | None = None


class AksPool(FilePart):
    """One agent pool, all nodes ready at the start. With autoscaling, `min_count` ≤ count ≤ `max_count`.

    No `zones` means a regional pool.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9]{0,11}$")
    mode: Literal["System", "User"] = "User"
    count: int = Field(default=4, ge=0, le=1000)
    vm_size: str = "Standard_D4s_v5"
    zones: tuple[str, ...] = ("1", "2", "3")
    enable_auto_scaling: bool = False
    min_count: int | None = Field(default=None, ge=0, le=1000)
    max_count: int | None = Field(default=None, ge=0, le=1000)
    scale_set_priority: Literal["Regular", "Spot"] = "Regular"
    node_labels: dict[str, str] = Field(default={})

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.mode == "System" and self.count == 0:
            message = "count is 0, but a System pool has at least one node"
            raise ValueError(message)
        if self.enable_auto_scaling:
            if self.min_count is None or self.max_count is None or not self.min_count <= self.count <= self.max_count:
                message = f"with enableAutoScaling, minCount ≤ count ({self.count}) ≤ maxCount must be given"
                raise ValueError(message)
        elif self.min_count is not None or self.max_count is not None:
            message = "minCount and maxCount go with enableAutoScaling only"
            raise ValueError(message)
        return self


class AksCluster(FilePart):
    """One managed cluster; `subscription_id` absent is the default one of the seed."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
    subscription_id: str | None = None
    resource_group: str = "shop"
    location: str = "westeurope"
    version: str = "1.36.1"
    pools: Annotated[tuple[AksPool, ...], AfterValidator(_named_once)] = ()


class AzureSeed(_CloudSeed):
    """The subscriptions of Azure. `get_shows`: the count that GET has while an operation runs."""

    get_shows: Literal["target", "actual"] = "target"
    subscription_id: str = "00000000-0000-0000-0000-000000000001"
    principals: Annotated[tuple[AzurePrincipal, ...], Field(min_length=1)] = (
        AzurePrincipal(
            client_id="00000000-0000-0000-0000-0000000000bb",
            client_secret="lab-client-secret",  # noqa: S106  (of the lab)
        ),
    )
    clusters: tuple[AksCluster, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _placed_once(
            [
                # ARM's names are the same in any case.
                ((each.subscription_id or self.subscription_id).lower(), each.resource_group.lower(), each.name.lower())
                for each in self.clusters
            ]
        )
        return self


class GcpPrincipal(FilePart):
    """A service account; its key pair is made at the lab's start; `allowed` holds patterns of IAM permissions."""

    allowed: tuple[str, ...] = ("*",)
    email: str = "lab@shop-prod-1.iam.gserviceaccount.com"


class GkeAutoscaling(FilePart):
    """A GKE pool's autoscaling block with sizes per zone."""

    enabled: bool = True
    min_node_count: int = Field(default=0, ge=0)
    max_node_count: int = Field(default=10, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_node_count > self.max_node_count:
            message = f"minNodeCount {self.min_node_count} is above maxNodeCount {self.max_node_count}"
            raise ValueError(message)
        return self


class GkePool(FilePart):
    """One node pool; `node_count` is per zone. `zones` absent: the cluster's."""

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")
    node_count: int = Field(default=1, ge=0, le=1000)
    machine_type: str = "e2-standard-4"
    zones: Zones | None = None
    autoscaling: GkeAutoscaling | None = None
    spot: bool = False
    labels: dict[str, str] = Field(default={})


class GkeCluster(FilePart):
    """One GKE cluster; a zonal one has its location as its only zone. `project` absent: the seed's."""

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")
    project: str | None = None
    location: str = "europe-west1"
    zones: Zones = ("europe-west1-b", "europe-west1-c", "europe-west1-d")
    version: str = "1.36.1-gke.1000000"
    pools: Annotated[tuple[GkePool, ...], AfterValidator(_named_once)] = ()


class GcpSeed(_CloudSeed):
    """The projects of Google Cloud."""

    project: str = "shop-prod-1"
    principals: Annotated[tuple[GcpPrincipal, ...], Field(min_length=1)] = (GcpPrincipal(),)
    clusters: tuple[GkeCluster, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _placed_once([(each.project or self.project, each.location, each.name) for each in self.clusters])
        return self


def _default_aws() -> AwsSeed:
    pools = (EksNodegroup(name="web"), EksNodegroup(name="batch", desired=2))
    return AwsSeed(
        clusters=(
            EksCluster(name="shop-prod", nodegroups=pools),
            EksCluster(name="shop-batch", nodegroups=pools),
        )
    )


def _default_azure() -> AzureSeed:
    pools = (AksPool(name="system", mode="System", count=2), AksPool(name="web"))
    return AzureSeed(clusters=(AksCluster(name="shop-prod", pools=pools), AksCluster(name="shop-batch", pools=pools)))


def _default_gcp() -> GcpSeed:
    return GcpSeed(
        clusters=(
            GkeCluster(name="shop-prod", pools=(GkePool(name="web"), GkePool(name="batch"))),
            GkeCluster(
                name="shop-batch",
                location="europe-west1-b",
                zones=("europe-west1-b",),
                pools=(GkePool(name="web", node_count=4), GkePool(name="batch", node_count=2)),
            ),
        )
    )


class Seed(FilePart):
    """Everything the lab starts with. `random` seeds every draw: equal seeds, equal runs."""

    random: int = 1
    timings: Timings = Timings()
    aws: AwsSeed = Field(default_factory=_default_aws)
    azure: AzureSeed = Field(default_factory=_default_azure)
    gcp: GcpSeed = Field(default_factory=_default_gcp)


def load_seed(path: Path) -> Seed:
    """Read a seed file. Raises SeedError with one line that names file and field."""
    try:
        return read_seed(read_yaml(path))
    except SeedError as error:
        # What was said about the file itself names it already.
        raise error if str(error).startswith(f"{path}: ") else SeedError(f"{path}: {error}") from error


def read_seed(raw: object) -> Seed:
    """Return a seed from its JSON form (None: the default). Raises SeedError with one line that names the field."""
    try:
        return Seed.model_validate({} if raw is None else raw)
    except ValidationError as error:
        raise SeedError(first_mistake(error, Seed)) from error


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, to which a name that stands twice in a map is a mistake (YAML takes the last one)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  (PyYAML's)
        """Return the map. Raises SeedError for a name that stands twice, ConstructorError."""
        seen: set[str] = set()
        for name, _ in node.value:
            text = str(name.value)
            if text in seen and name.tag != _MERGE:
                message = f"line {name.start_mark.line + 1}: {text} stands twice in a map, but may stand once"
                raise SeedError(message)
            seen.add(text)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> object:
    """Read a YAML file. Raises SeedError with one line that names it; a name may stand once in a map."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        message = f"{path}: cannot be read: {why}"
        raise SeedError(message) from error
    except SeedError as error:
        message = f"{path}: {error}"
        raise SeedError(message) from error
    except yaml.YAMLError as error:
        message = f"{path}: is not YAML: {' '.join(str(error).split())}"
        raise SeedError(message) from error
