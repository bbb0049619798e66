"""Random calls of each vendor's own client, random hands, faults, limits and clock steps: what the property test does."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from json import JSONDecodeError
from pathlib import Path
from random import Random
from typing import Any

import boto3
import grpc
from azure.core.exceptions import AzureError
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.containerservice.models import AgentPool
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.grpc import AuthMetadataPlugin
from google.auth.transport.requests import Request
from google.cloud.container_v1 import ClusterManagerClient
from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerGrpcTransport
from google.oauth2 import service_account

from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.faultkinds import (
    Action,
    Answer,
    AuthExpire,
    ClockSkew,
    Deny,
    DuplicateApply,
    Garbage,
    LostResponse,
    OperationFail,
    OperationForgotten,
    OperationStuck,
    Partial,
    Preempt,
    Reset,
    SlowNodes,
    StaleRead,
    Stockout,
    Throttle,
)
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.lab import Lab, RefusedError
from multicloud_lab.core.seed import (
    AksCluster,
    AksPool,
    AwsSeed,
    AzureSeed,
    EksCluster,
    EksNodegroup,
    GcpSeed,
    GkeAutoscaling,
    GkeCluster,
    GkePool,
    Seed,
)
from multicloud_lab.thread import LabThread
from support.aks import GROUP, SUBSCRIPTION, client

CLUSTERS = ("shop-prod", "shop-batch")
CLOUDS = ("aws", "azure", "gcp")
SIZES = (0, 1, 2, 3, 4, 5, 6, 8, 9, 12, 30, 5000)
CALL_TIMEOUT_S = 10

SEED = Seed(
    aws=AwsSeed(
        clusters=tuple(
            EksCluster(
                name=name,
                nodegroups=(
                    EksNodegroup(name="web", max=40),
                    EksNodegroup(name="batch", desired=2, capacity_type="SPOT"),
                ),
            )
            for name in CLUSTERS
        )
    ),
    azure=AzureSeed(
        clusters=tuple(
            AksCluster(
                name=name,
                pools=(
                    AksPool(name="system", mode="System", count=2),
                    AksPool(name="web"),
                    AksPool(
                        name="batch", scale_set_priority="Spot", enable_auto_scaling=True, min_count=0, max_count=9
                    ),
                ),
            )
            for name in CLUSTERS
        )
    ),
    gcp=GcpSeed(
        clusters=(
            GkeCluster(
                name="shop-prod",
                pools=(
                    GkePool(name="web"),
                    GkePool(name="batch", spot=True, autoscaling=GkeAutoscaling(max_node_count=4)),
                ),
            ),
            GkeCluster(
                name="shop-batch",
                location="europe-west1-b",
                zones=("europe-west1-b",),
                pools=(GkePool(name="web", node_count=4), GkePool(name="batch", node_count=2, spot=True)),
            ),
        )
    ),
)
"""As the default, with spot pools and autoscalers, so that every hand has something to act on."""

Step = Callable[[Random], str]
"""Does something by chance and says what."""


class AwsCalls:
    """boto3 on the lab."""

    def __init__(self, lab: LabThread) -> None:
        own = lab.document["credentials"]["aws"]

        def made(service: str) -> Any:
            return boto3.client(
                service,
                region_name="us-east-1",
                endpoint_url=lab.document[service]["url"],
                aws_access_key_id=own["accessKeyId"],
                aws_secret_access_key=own["secretAccessKey"],
                config=Config(read_timeout=CALL_TIMEOUT_S, retries={"total_max_attempts": 1}),
            )

        self.eks, self.autoscaling = made("eks"), made("autoscaling")

    def step(self, rng: Random) -> str:
        cluster, pool = rng.choice(CLUSTERS), rng.choice(("web", "web", "batch", "extra"))
        where = {"clusterName": cluster, "nodegroupName": pool}
        kind = rng.choice(("resize",) * 6 + ("desired",) * 2 + ("read", "labels", "create", "delete", "version"))
        said = f"aws {kind} {cluster}/{pool}"
        with suppress(ClientError, BotoCoreError, ResponseParserError):
            match kind:
                case "resize":
                    scaling = {"desiredSize": rng.choice(SIZES)}
                    if rng.random() < 0.3:
                        scaling |= {"minSize": rng.choice(SIZES), "maxSize": rng.choice(SIZES[1:])}
                    token = {"clientRequestToken": f"token-{rng.randrange(4)}"} if rng.random() < 0.5 else {}
                    said += f" {scaling} {token}"
                    self.eks.update_nodegroup_config(**where, scalingConfig=scaling, **token)
                case "desired":
                    groups = self.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
                    name, size = rng.choice(groups)["AutoScalingGroupName"], rng.choice(SIZES)
                    said += f" {name} {size}"
                    self.autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=size)
                case "read":
                    self.eks.describe_nodegroup(**where)
                case "labels":
                    self.eks.update_nodegroup_config(**where, labels={"addOrUpdateLabels": {"a": str(rng.random())}})
                case "create":
                    sizes = {"minSize": 0, "maxSize": 9, "desiredSize": 2}
                    role = "arn:aws:iam::111122223333:role/nodes"
                    self.eks.create_nodegroup(
                        clusterName=cluster,
                        nodegroupName="extra",
                        scalingConfig=sizes,
                        subnets=["subnet-1"],
                        nodeRole=role,
                    )
                case "delete":
                    self.eks.delete_nodegroup(clusterName=cluster, nodegroupName="extra")
                case _:
                    self.eks.update_nodegroup_version(**where)
        return said


class AzureCalls:
    """azure-mgmt-containerservice on the lab."""

    def __init__(self, lab: LabThread) -> None:
        self.client: ContainerServiceClient = client(lab, read_timeout=CALL_TIMEOUT_S)

    def step(self, rng: Random) -> str:
        cluster, name = rng.choice(CLUSTERS), rng.choice(("web", "web", "system", "extra"))
        kind = rng.choice(("resize",) * 6 + ("autoscale", "create", "delete", "abort", "abort", "list"))
        said = f"azure {kind} {cluster}/{name}"
        pools: Any = self.client.agent_pools
        with suppress(AzureError, JSONDecodeError):  # the SDK lets the latter through for an empty body
            match kind:
                case "resize" | "autoscale":
                    pool = pools.get(GROUP, cluster, name)
                    pool.count = rng.choice(SIZES[:-1])
                    if kind == "autoscale":
                        pool.enable_auto_scaling, pool.min_count, pool.max_count = True, 1, rng.choice(SIZES)
                    said += f" {pool.count} {pool.max_count}"
                    pools.begin_create_or_update(GROUP, cluster, name, pool, polling=False).result()
                case "create":
                    wished = AgentPool({"properties": {"count": 2, "vmSize": "Standard_D4s_v5", "mode": "User"}})
                    pools.begin_create_or_update(GROUP, cluster, "extra", wished, polling=False).result()
                case "delete":
                    pools.begin_delete(GROUP, cluster, "extra", polling=False).result()
                case "abort":
                    pools.begin_abort_latest_operation(GROUP, cluster, name, polling=False).result()
                case _:
                    list(pools.list(GROUP, cluster))
        return said


class GoogleCalls:
    """google-cloud-container over gRPC on the lab."""

    def __init__(self, lab: LabThread) -> None:
        scope = "https://www.googleapis.com/auth/cloud-platform"
        key = lab.document["credentials"]["gcp"]
        credentials: Any = service_account.Credentials.from_service_account_info(key, scopes=[scope])
        plugin = grpc.metadata_call_credentials(AuthMetadataPlugin(credentials, Request()))
        trust = grpc.ssl_channel_credentials(Path(lab.document["gke"]["caFile"]).read_bytes())
        self.channel = grpc.secure_channel(
            lab.document["gke"]["grpc"], grpc.composite_channel_credentials(trust, plugin)
        )
        self.client: Any = ClusterManagerClient(transport=ClusterManagerGrpcTransport(channel=self.channel))

    def step(self, rng: Random) -> str:
        place, cluster = rng.choice((("europe-west1", "shop-prod"), ("europe-west1-b", "shop-batch")))
        parent = f"projects/shop-prod-1/locations/{place}/clusters/{cluster}"
        pool = rng.choice(("web", "web", "batch", "extra"))
        name = f"{parent}/nodePools/{pool}"
        kind = rng.choice(("resize",) * 6 + ("autoscale", "labels", "create", "delete", "cancel", "cancel", "read"))
        said = f"gcp {kind} {cluster}/{pool}"
        call: dict[str, Any] = {"retry": None, "timeout": CALL_TIMEOUT_S}
        with suppress(GoogleAPICallError, GoogleAuthError):
            match kind:
                case "resize":
                    size = rng.choice(SIZES)
                    said += f" {size}"
                    self.client.set_node_pool_size(request={"name": name, "node_count": size}, **call)
                case "autoscale":
                    block = {"enabled": rng.random() < 0.7, "max_node_count": rng.choice(SIZES)}
                    said += f" {block}"
                    self.client.set_node_pool_autoscaling(request={"name": name, "autoscaling": block}, **call)
                case "labels":
                    labels = {"labels": {"a": str(rng.randrange(9))}}
                    self.client.update_node_pool(request={"name": name, "labels": labels}, **call)
                case "create":
                    wished = {"name": "extra", "initial_node_count": 1}
                    self.client.create_node_pool(request={"parent": parent, "node_pool": wished}, **call)
                case "delete":
                    self.client.delete_node_pool(request={"name": f"{parent}/nodePools/extra"}, **call)
                case "cancel":
                    location = f"projects/shop-prod-1/locations/{place}"
                    operations = self.client.list_operations(request={"parent": location}, **call).operations
                    if operations:
                        last = f"{location}/operations/{operations[-1].name}"
                        self.client.cancel_operation(request={"name": last}, **call)
                case _:
                    self.client.get_node_pool(request={"name": name}, **call)
        return said


class Steps:
    """Everything that may happen to a lab."""

    def __init__(self, lab: LabThread) -> None:
        self._lab = lab
        self._google = GoogleCalls(lab)
        calls = (AwsCalls(lab).step, AzureCalls(lab).step, self._google.step)
        self._kinds: Sequence[Step] = (*calls * 3, *[self._clock] * 5, *[self._hand] * 3)
        self._rare: Sequence[Step] = (self._fault, self._fault, self._limit, self._lift)

    def close(self) -> None:
        self._google.channel.close()

    def take(self, rng: Random) -> str:
        return rng.choice(self._rare if rng.random() < 0.2 else self._kinds)(rng)

    def _clock(self, rng: Random) -> str:
        seconds = rng.choice((0.5, 5, 30, 90, 200, 900, 4000))
        self._lab.advance(seconds)
        return f"clock +{seconds}"

    def _hand(self, rng: Random) -> str:
        cloud, cluster, pool = rng.choice(CLOUDS), rng.choice(CLUSTERS), rng.choice(("web", "system", "batch"))
        size = rng.choice(SIZES)
        node = self._lab.run(lambda lab: _any_node(lab, cloud, rng))
        acts: Mapping[str, Callable[[Hands], object]] = {
            "resize": lambda hands: hands.resize(cloud, cluster, pool, size),
            "autoscale": lambda hands: hands.autoscale(cloud, cluster, pool, size),
            "upgrade": lambda hands: hands.upgrade(cloud, cluster, pool, 600),
            "kill": lambda hands: hands.kill_node(cloud, node),
            "reclaim": lambda hands: hands.reclaim_spot(cloud, cluster, nodes=2),
            "delete": lambda hands: hands.delete(cloud, cluster, pool),
            "recreate": lambda hands: hands.recreate(cloud, cluster, pool),
            "delete cluster": lambda hands: hands.delete(cloud, cluster),
            "recreate cluster": lambda hands: hands.recreate(cloud, cluster),
        }
        kind = rng.choice((*acts, "resize", "autoscale", "autoscale", "upgrade", "kill", "reclaim", "recreate"))
        if kind.startswith("delete") and rng.random() < 0.7:
            kind = "kill"
        with suppress(RefusedError):
            self._lab.hands(acts[kind])
        return f"hand {kind} {cloud} {cluster}/{pool} {size} {node}"

    def _fault(self, rng: Random) -> str:
        actions: Sequence[Action] = (
            Answer(status=rng.choice((429, 500, 503)), code=None),
            Throttle(burst=1, per_s=0.1),
            Reset(),
            LostResponse(),
            Garbage(form=rng.choice(("html502", "truncated", "wrongType", "empty"))),
            AuthExpire(),
            Deny(),
            OperationFail(),
            OperationStuck(),
            OperationForgotten(),
            Partial(nodes=rng.randrange(3)),
            Stockout(),
            SlowNodes(factor=rng.choice((0.5, 5))),
            StaleRead(seconds=60),
            DuplicateApply(),
            ClockSkew(seconds=rng.choice((-30, 30))),
            Preempt(),
        )
        fault = Fault(
            action=rng.choice(actions),
            match=Match(cloud=rng.choice((None, "aws", "azure", "gcp")), pool=rng.choice((None, "web"))),
            when=rng.choice(("before", "after")),
            times=rng.choice((None, 1, 2)),
            probability=rng.choice((1, 0.5)),
            window=(0, rng.choice((60, 600))),
        )
        self._lab.place(fault)
        return f"place {fault}"

    def _lift(self, _rng: Random) -> str:
        self._lab.run(lambda lab: lab.faults.lift_all())
        return "lift all faults"

    def _limit(self, rng: Random) -> str:
        cloud, free = rng.choice(CLOUDS), rng.choice((0, 1, 3, None))
        if rng.random() < 0.5:
            self._lab.run(lambda lab: lab.capacity.set_free(cloud, None, None, free))
            return f"capacity {cloud} {free}"
        account, region = {
            "aws": ("111122223333", "us-east-1"),
            "azure": (SUBSCRIPTION, "westeurope"),
            "gcp": ("shop-prod-1", "europe-west1"),
        }[cloud]
        limit = Limit(nodes=rng.choice((10, 15, 40)))
        self._lab.run(lambda lab: lab.quotas.set_limit(cloud, account, region, limit))
        return f"quota {cloud} {limit}"


def _any_node(lab: Lab, cloud: str, rng: Random) -> str:
    names = [node.name for group in lab.engines[cloud].machines() for node in group.nodes.nodes]
    return rng.choice(names) if names else "none"
