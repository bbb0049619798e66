"""A whole operator and three clouds in one process and in virtual time, told as a story.

The stages are the real ones (`multicloud.run.compose`), the clouds the real SDKs against the lab. Only the Kubernetes
edge is held in memory, behind its ports: it keeps resourceVersions, refuses stale and foreign writes and counts
everything, so that a day takes seconds. tests/cluster tells the same stories on a real API server.
"""

import asyncio
import copy
import itertools
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any, Self

from multicloud.model.error import refused
from multicloud.model.member import Inside, SeenNode
from multicloud.model.port import ClusterSide, EventNote, Rejected, Wake, Written
from multicloud.model.reason import Code
from multicloud.model.ref import GROUP, VERSION, Kind, ObjectKey
from multicloud.run.compose import Edge, Operator, Outlook, compose
from multicloud.settings import AwsEndpoints, AzureEndpoints, Clouds, Endpoint, GcpEndpoints, Observe, Settings
from multicloud_lab.core.calls import When
from multicloud_lab.thread import LabThread
from support.clock import VirtualClock
from support.eyes import MemoryEyes
from support.fence import OpenFence

NAMESPACE = "shop"
CLOUDS = ("aws", "azure", "gcp")
HASTY = {
    "maxUnavailablePercent": 100,
    "maxNodesPerStep": 20,
    "stepPauseSeconds": 0,
    "scaleDownDelaySeconds": 0,
    "voluntaryMoves": "Always",
}
"""Removals of a story that is about something else: what `disruption` does not say is as fast as it can be."""
SELDOM = Observe(interval_s=300, describe_s=3600)
"""Looks at rest of a story that lasts a night or a day: each costs real calls. What moves is watched as closely as ever."""
QUIET_TURNS = 25
"""Turns of the event loop without work after which nothing but time can make any."""


Meddle = Callable[[ObjectKey, When], Awaitable[Rejected | None]]
"""What befalls a status write before or after it is stored: an answer other than the true one, None for nothing."""


async def _let_be(_: ObjectKey, __: When) -> Rejected | None:
    return None


@dataclass(slots=True)
class MemoryCluster:
    """The API server's side of the ports: objects with versions, secrets, events. `meddle` disturbs status writes."""

    objects: dict[ObjectKey, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    events: list[EventNote] = field(default_factory=list)
    status_writes: int = 0
    away: bool = False
    meddle: Meddle = _let_be
    versions: Any = field(default_factory=lambda: itertools.count(1))
    now: Callable[[], datetime] = field(default_factory=lambda: VirtualClock().now)

    async def write_status(
        self, key: ObjectKey, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> Written | Rejected:
        if self.away:
            return Rejected(gone=False, stale=False, words="no answer")
        if (rejected := await self.meddle(key, "before")) is not None:
            return rejected
        known = self.objects.get(key)
        if known is None:
            return Rejected(gone=True, stale=False, words="not found")
        if known["metadata"]["uid"] != uid or known["metadata"]["resourceVersion"] != resource_version:
            return Rejected(gone=False, stale=True, words="the object has been modified")
        known["status"] = copy.deepcopy(dict(status))
        known["metadata"]["resourceVersion"] = str(next(self.versions))
        self.status_writes += 1
        written = Written(resource_version=known["metadata"]["resourceVersion"], body=copy.deepcopy(known))
        return await self.meddle(key, "after") or written

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, bytes]:
        if (namespace, name) not in self.secrets:
            raise refused(Code.SECRET_NOT_FOUND, f"Secret {name} does not exist")
        return self.secrets[namespace, name]

    async def post(self, note: EventNote) -> None:
        self.events.append(note)

    def apply(self, body: Mapping[str, Any]) -> dict[str, Any]:
        key = _key(body)
        known = self.objects.get(key)
        version = str(next(self.versions))
        metadata = {
            "creationTimestamp": known["metadata"]["creationTimestamp"] if known else self.now().isoformat(),
            "uid": known["metadata"]["uid"] if known else f"uid-{version}",
            "generation": known["metadata"]["generation"] + (known["spec"] != body["spec"]) if known else 1,
            "resourceVersion": version,
        }
        stored = copy.deepcopy(dict(body))
        stored["metadata"] = {**stored["metadata"], **metadata}
        if known and "status" in known:
            stored["status"] = known["status"]
        self.objects[key] = stored
        return copy.deepcopy(stored)


@dataclass(frozen=True, slots=True)
class Write:
    """One effective resize in the lab's journal."""

    cloud: str
    cluster: str
    node_pool: str
    to: int


class World:
    """Given, when, then."""

    def __init__(
        self,
        lab: LabThread,
        *,
        clouds: Sequence[str] = CLOUDS,
        looks_inside: bool = False,
        eyes: Callable[[Wake], ClusterSide] | None = None,
        call_pace: float = 0.0,
        **settings: Any,
    ) -> None:
        """`clouds`: those with an account. `looks_inside`: the operator has eyes in member clusters, `eyes`.

        `eyes`: it has these instead, made anew with each process.

        `call_pace`: virtual seconds that pass for each real second in which a call is under way; else calls take none.
        With it a call that hangs until a small `call_timeout_s` takes as long as with the usual one.
        """
        self.lab = lab
        self._clouds = clouds
        self._looks_inside = looks_inside
        self._other_eyes = eyes
        self.eyes: MemoryEyes | None = None
        self.call_pace = call_pace
        self.clock = VirtualClock()
        self.cluster = MemoryCluster(now=self.clock.now)
        self.fence = OpenFence()
        self.settings = settings_for(lab.document, **settings)
        self._operator: Operator | None = None
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._given_accounts()
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.crash()

    @property
    def operator(self) -> Operator:
        assert self._operator is not None
        return self._operator

    def start(self) -> None:
        """A process starts: it lists everything, then serves."""
        edge = Edge(
            writer=self.cluster,
            secrets=self.cluster,
            events=self.cluster,
            eyes=self._open_eyes if self._looks_inside or self._other_eyes else None,
        )
        self._operator = compose(self.settings, self.clock, edge, self.fence, lambda: self.fence.stop)
        for kind in Kind:
            bodies = [copy.deepcopy(body) for key, body in self.cluster.objects.items() if key.kind is kind]
            self._operator.store.replace_all(kind, bodies, as_of=0)
        self._operator.synced()
        self._serving = asyncio.create_task(self._operator.serve())

    def _open_eyes(self, outlook: Outlook) -> ClusterSide:
        if self._other_eyes is not None:
            return self._other_eyes(outlook.wake)
        kept = self.eyes
        self.eyes = MemoryEyes(wake=outlook.wake, fence=self.fence)
        if kept is not None:
            self.eyes.shown, self.eyes.seen = kept.shown, kept.seen
        return self.eyes

    def show(self, cluster: str, inside: Inside, node_pool: str = "web") -> None:
        """A member's cluster shows its node pool to the operator."""
        assert self.eyes is not None
        self.eyes.show(cluster, node_pool, inside)

    def show_nodes(self, cluster: str, nodes: Iterable[SeenNode], node_pool: str = "web") -> None:
        """A member's cluster shows its node pool to the operator, node by node."""
        assert self.eyes is not None
        self.eyes.show_nodes(cluster, node_pool, nodes)

    async def crash(self) -> None:
        """The process is gone between two instructions; what was not written is forgotten."""
        if self._operator is None or self._serving is None:
            return
        self._serving.cancel()
        with suppress(asyncio.CancelledError, BaseExceptionGroup):
            await self._serving
        self._operator.close()
        self._operator = None

    def when_reached(self, hold: str) -> asyncio.Future[None]:
        """Done once a call has arrived at a hold of the lab's."""
        return asyncio.wrap_future(self.lab.when_reached(hold))

    async def crash_at(self, reached: asyncio.Future[Any], story: Coroutine[Any, Any, None]) -> bool:
        """Tell a story until the process dies, when `reached` is done; False if the story came to its end before."""
        telling = asyncio.create_task(story)
        await asyncio.wait({telling, reached}, return_when=asyncio.FIRST_COMPLETED)
        if not reached.done():
            reached.cancel()
            await telling
            return False
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        await self.crash()
        return True

    def apply(self, body: Mapping[str, Any]) -> None:
        """`kubectl apply`."""
        self.operator.store.put(self.cluster.apply(body))

    def pool(self, name: str = "web", **spec: Any) -> None:
        """Apply a MultiCloudPool with one small member per cloud; `spec` replaces or adds fields.

        Here and below a name may carry its namespace, as in `team-a/web`.
        """
        self.apply(pool_body(name, **spec))

    def policy(self, name: str = "web", **spec: Any) -> None:
        """Apply a ScalingPolicy of the pool `web`; `spec` replaces or adds fields."""
        self.apply(policy_body(name, **spec))

    def delete_policy(self, name: str = "web") -> None:
        """`kubectl delete scalepol`."""
        self.operator.store.remove(self.cluster.objects.pop(_policy_key(name)))

    def policy_status(self, name: str = "web") -> Mapping[str, Any]:
        """What kubectl shows of a policy."""
        return self.cluster.objects[_policy_key(name)].get("status") or {}

    def policy_condition(self, kind: str, name: str = "web") -> tuple[str, str]:
        """Status and reason of a policy's condition."""
        found = next(entry for entry in self.policy_status(name)["conditions"] if entry["type"] == kind)
        return found["status"], found["reason"]

    def edit(self, name: str = "web", *, annotations: Mapping[str, str] | None = None, **spec: Any) -> None:
        """`kubectl edit`: change fields of the spec (None removes) and annotations."""
        body = copy.deepcopy(self.cluster.objects[pool_key(name)])
        body["spec"] = {key: value for key, value in {**body["spec"], **spec}.items() if value is not None}
        if annotations is not None:
            body["metadata"]["annotations"] = dict(annotations)
        self.apply(body)

    def knows(self, name: str = "web") -> bool:
        """Whether there is such a pool."""
        return pool_key(name) in self.cluster.objects

    def spec(self, name: str = "web") -> Mapping[str, Any]:
        """What a pool's object says."""
        found: Mapping[str, Any] = self.cluster.objects[pool_key(name)]["spec"]
        return found

    def annotate_account(self, name: str, annotations: Mapping[str, str]) -> None:
        """`kubectl annotate cacct`: these annotations and no others."""
        body = copy.deepcopy(self.cluster.objects[_account_key(name)])
        body["metadata"]["annotations"] = dict(annotations)
        self.apply(body)

    def delete(self, name: str = "web") -> None:
        """`kubectl delete`."""
        self.operator.store.remove(self.cluster.objects.pop(pool_key(name)))

    def status(self, name: str = "web") -> Mapping[str, Any]:
        """What kubectl shows."""
        return self.cluster.objects[pool_key(name)].get("status") or {}

    def member(self, member: str, name: str = "web") -> Mapping[str, Any]:
        """One member of the status."""
        found: Mapping[str, Any] = next(entry for entry in self.status(name)["members"] if entry["name"] == member)
        return found

    def condition(self, kind: str, name: str = "web") -> tuple[str, str]:
        """Status and reason of a condition."""
        found = next(entry for entry in self.status(name)["conditions"] if entry["type"] == kind)
        return found["status"], found["reason"]

    def account_condition(self, name: str, kind: str) -> tuple[str, str]:
        """Status and reason of an account's condition."""
        status = self.cluster.objects[_account_key(name)].get("status") or {}
        found = next(entry for entry in status["conditions"] if entry["type"] == kind)
        return found["status"], found["reason"]

    def account_conditions(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Status and reason of all conditions of an account, by type."""
        status = self.cluster.objects[_account_key(name)].get("status") or {}
        return {found["type"]: (found["status"], found["reason"]) for found in status.get("conditions", ())}

    def hand(self, cloud: str, cluster: str, node_pool: str, to: int) -> None:
        """Somebody resizes a node pool in the vendor's console."""
        self.lab.run(lambda lab: lab.engines[cloud].resize_by_hand(cluster, node_pool, to))

    @property
    def cloud_writes(self) -> Sequence[Write]:
        """Every effective resize that was neither a hand's nor the lab's own doing, in order."""
        return [
            Write(str(entry["cloud"]), str(entry["cluster"]), str(entry["pool"]), int(str(entry["to"])))
            for entry in self.lab.journal()
            if entry["effective"] and entry["to"] is not None and entry["principal"] not in {"hand", "autoscaler"}
        ]

    async def run_for(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> None:
        """Let virtual time pass, stopping at every instant at which anything happens."""
        end_s = self.clock.monotonic() + seconds + 60 * minutes + 3600 * hours
        while True:
            await self._quiet()
            wake_s = self.clock.next_wake()
            to_s = end_s if wake_s is None else min(max(wake_s, self.clock.monotonic()), end_s)
            if to_s >= end_s and (wake_s is None or wake_s > end_s):
                self._advance(end_s)
                await self._quiet()
                return
            self._advance(to_s)

    async def run_until(self, reached: Callable[[], bool], *, minutes: float = 60) -> float:
        """Let time pass in small steps until something holds; returns the virtual seconds that it took."""
        began_s = self.clock.monotonic()
        while True:
            await self._quiet()
            if reached():
                return self.clock.monotonic() - began_s
            assert self.clock.monotonic() - began_s < 60 * minutes, f"not within {minutes} minutes: {self._statuses}"
            await self.run_for(seconds=1)

    @property
    def _statuses(self) -> Mapping[str, Any]:
        pools = {key: body for key, body in self.cluster.objects.items() if key.kind is Kind.POOL}
        return {str(key): body.get("status") for key, body in pools.items()}

    def _advance(self, to_s: float) -> None:
        delta_s = to_s - self.clock.monotonic()
        if delta_s <= 0:
            return
        self.lab.advance(delta_s)
        self.clock.advance_to(to_s)

    async def _quiet(self) -> None:
        """Return when nothing but time can make any work: a pass that waits for its turn at a cloud waits for time."""
        operator, quiet = self.operator, 0
        while quiet < QUIET_TURNS:
            if operator.lanes.in_flight > 0 or operator.sampler.in_flight > 0 or operator.recordings.in_flight > 0:
                quiet = 0
                began_s = perf_counter()
                await asyncio.sleep(0.0005)  # noqa: TID251 - an SDK call takes real time in its thread
                self._advance(self.clock.monotonic() + self.call_pace * (perf_counter() - began_s))
            else:
                if not operator.queue.idle:
                    await asyncio.wrap_future(operator.solver.submit(int))  # one thread: what was before it is solved
                quiet += 1
                await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not a wait
            assert self._serving is None or not self._serving.done(), "the operator stopped"

    def _given_accounts(self) -> None:
        given = self.lab.document["credentials"]
        self.cluster.secrets.update(secrets_for(given))
        for body in account_bodies(given):
            if body["metadata"]["name"] in self._clouds:
                self.cluster.apply(body)


def settings_for(document: Mapping[str, Any], **settings: Any) -> Settings:
    """Settings that point every cloud at the lab."""
    aws, arm, gke = document["eks"], document["arm"], document["gke"]
    clouds = Clouds(
        aws=AwsEndpoints(
            eks=Endpoint(url=aws["url"]),
            autoscaling=Endpoint(url=document["autoscaling"]["url"]),
            sts=Endpoint(url=document["sts"]["url"]),
        ),
        azure=AzureEndpoints(
            arm=Endpoint(url=arm["url"], ca_file=arm["caFile"]),
            authority=Endpoint(url=arm["authority"], ca_file=arm["caFile"]),
        ),
        gcp=GcpEndpoints(
            container=Endpoint(url=f"https://{gke['grpc']}", ca_file=gke["caFile"]),
            compute=Endpoint(url=document["compute"]["url"]),
            token=Endpoint(url=document["google"]["token"]),
            resource_manager=Endpoint(url=document["google"]["resourceManager"]),
            iamcredentials=Endpoint(url=document["google"]["iamcredentials"]),
        ),
    )
    return Settings(clouds=clouds, **settings)


def secrets_for(credentials: Mapping[str, Any], namespace: str = NAMESPACE) -> dict[tuple[str, str], dict[str, bytes]]:
    """The three Secrets of a namespace."""
    return {
        (namespace, "aws-keys"): {
            "accessKeyId": credentials["aws"]["accessKeyId"].encode(),
            "secretAccessKey": credentials["aws"]["secretAccessKey"].encode(),
        },
        (namespace, "azure-keys"): {"clientSecret": credentials["azure"]["clientSecret"].encode()},
        (namespace, "gcp-keys"): {"key.json": json.dumps(credentials["gcp"]).encode()},
    }


def account_bodies(credentials: Mapping[str, Any], namespace: str = NAMESPACE) -> Sequence[dict[str, Any]]:
    """One CloudAccount per cloud, called as the cloud."""
    azure = credentials["azure"]
    blocks: dict[str, dict[str, Any]] = {
        "aws": {},
        "azure": {
            "tenantId": azure["tenantId"],
            "clientId": azure["clientId"],
            "subscriptionId": "00000000-0000-0000-0000-000000000001",
        },
        "gcp": {"project": credentials["gcp"]["project_id"]},
    }
    return [
        {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": str(Kind.ACCOUNT),
            "metadata": {"name": cloud, "namespace": namespace},
            "spec": {"provider": cloud, cloud: block, "credentials": {"secretRef": {"name": f"{cloud}-keys"}}},
        }
        for cloud, block in blocks.items()
    ]


def members(*clouds: str, **every: Any) -> list[dict[str, Any]]:
    """One member per cloud on the lab's four-node `web` pools; `every` is added to each."""
    blocks: dict[str, dict[str, Any]] = {
        "aws": {"eks": {"cluster": "shop-prod", "region": "us-east-1", "nodeGroup": "web"}},
        "azure": {"aks": {"resourceGroup": "shop", "cluster": "shop-prod", "agentPool": "web"}},
        "gcp": {"gke": {"location": "europe-west1-b", "cluster": "shop-batch", "nodePool": "web"}},
    }
    return [
        {"name": cloud, "accountRef": {"name": cloud}, "minNodes": 0, "maxNodes": 40, **blocks[cloud], **every}
        for cloud in clouds or blocks
    ]


def pool_body(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A MultiCloudPool over all three clouds."""
    key = pool_key(name)
    fields: dict[str, Any] = {
        "minReplicas": 6,
        "maxReplicas": 90,
        "drift": {"surplus": "Hold", "deficit": "Correct", "holdSeconds": 600},
        "members": members(),
    }
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": str(Kind.POOL),
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": {**fields, **spec, "disruption": {**HASTY, **spec.get("disruption", {})}},
    }


def policy_body(name: str = "web", *, query: str = "load", value: str = "100", **spec: Any) -> dict[str, Any]:
    """A ScalingPolicy that keeps one query at so much a unit."""
    metric = {"name": "load", "prometheus": {"query": query}, "target": {"type": "AverageValue", "value": value}}
    whole: dict[str, Any] = {"poolRef": {"name": "web"}, "metrics": [metric], **spec}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": str(Kind.POLICY),
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {field: value for field, value in whole.items() if value is not None},
    }


def _key(body: Mapping[str, Any]) -> ObjectKey:
    metadata = body["metadata"]
    return ObjectKey(kind=Kind(body["kind"]), namespace=metadata["namespace"], name=metadata["name"])


def pool_key(name: str) -> ObjectKey:
    """The key of a pool, in the usual namespace unless the name has one."""
    namespace, _, own = name.rpartition("/")
    return ObjectKey(kind=Kind.POOL, namespace=namespace or NAMESPACE, name=own)


def _policy_key(name: str) -> ObjectKey:
    return ObjectKey(kind=Kind.POLICY, namespace=NAMESPACE, name=name)


def _account_key(name: str) -> ObjectKey:
    return ObjectKey(kind=Kind.ACCOUNT, namespace=NAMESPACE, name=name)
