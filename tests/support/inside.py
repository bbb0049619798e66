"""Eyes inside the lab's member clusters: the real ones over TLS, with time that stands still unless the test moves it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from multicloud.kube.members import Cordoning, MemberEyes, WaysIn
from multicloud.model.account import AccountObject
from multicloud.model.member import ClusterCredential, ClusterLogin, Inside, Look
from multicloud.model.ref import Cloud, ClusterRef, Kind, ObjectKey
from multicloud.settings import MemberClusters
from multicloud_lab.thread import LabThread
from support import member
from support.clock import VirtualClock
from support.clouds import MemorySecrets, account_of
from support.fence import OpenFence
from support.scripted import ScriptedLane, ScriptedLanes

INSTALLATION = "here"
POOL = ObjectKey(kind=Kind.POOL, namespace="shop", name="web")
PATIENCE_S = 30.0
"""How long something that happens in real time may take; only a broken test needs it."""


async def eventually(holds: Callable[[], object], tell: Callable[[], object] = str) -> None:
    """Let real time pass until it holds; AssertionError with `tell()` when it does not."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - what changes is a server's, which sets no event of ours
                await asyncio.sleep(0.01)  # noqa: TID251 - a server answers in real time
    except TimeoutError:
        raise AssertionError(f"it stays {tell()}") from None


def login(cloud: str = "aws", cluster: str = "shop-prod", *, kubeconfig: str = "") -> ClusterLogin:
    """`aws` in us-east-1, the clusters of the lab's seed; where they are does not matter here."""
    account = ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name=cloud)
    ref = ClusterRef(cloud=Cloud(cloud), location="here", name=cluster)
    return ClusterLogin(account=account, cluster=ref, kubeconfig=kubeconfig)


def credential(lab: LabThread, cloud: str, cluster: str = "shop-prod", **other: Any) -> ClusterCredential:
    """What the cluster takes, by the vendors' own SDKs; `other` replaces fields."""
    where = member.place(lab, cloud, cluster)
    bearer = member.aws_token(lab, cluster) if cloud == "aws" else member.token(lab, cloud)
    fields = {"url": where["url"], "ca_pem": Path(where["caFile"]).read_text(), "token": bearer, **other}
    return ClusterCredential(**fields)


@dataclass(slots=True)
class Onlooker:
    """The eyes with everything around them in the test's hand. `credentials` may be replaced."""

    lab: LabThread
    lane: ScriptedLane
    clock: VirtualClock
    secrets: MemorySecrets
    eyes: MemberEyes
    fence: OpenFence
    woken: list[ObjectKey] = field(default_factory=list)

    def attend(self, *logins: ClusterLogin, autoscaler: bool = False, pool: ObjectKey = POOL) -> None:
        look = Look(node_pools=frozenset({"web"}), autoscaler=autoscaler)
        self.eyes.attend(pool, dict.fromkeys(logins, look))

    def advance(self, seconds: float) -> None:
        """Let time pass on both sides; on the lab's alone, watches that last long would seem to end at once."""
        self.clock.advance(seconds)
        self.lab.advance(seconds)

    async def until(self, where: ClusterLogin, holds: Callable[[Inside], object]) -> Inside:
        """Real time passes until it holds for the node pool `web`."""
        await eventually(lambda: holds(self.eyes.inside(where, "web")), lambda: self.eyes.inside(where, "web"))
        return self.eyes.inside(where, "web")


@asynccontextmanager
async def onlooker(
    lab: LabThread, *, hosts: tuple[str, ...] = (), cordon_s: float = PATIENCE_S
) -> AsyncIterator[Onlooker]:
    """Eyes with a scripted lane that hands out good credentials."""
    lane = ScriptedLane(credentials=lambda ref: credential(lab, str(ref.cloud), ref.name))
    clock, secrets, woken = VirtualClock(), MemorySecrets(), list[ObjectKey]()

    def account(key: ObjectKey) -> AccountObject:
        return account_of(Cloud(key.name), lab.document)

    fence = OpenFence()
    ways_in = WaysIn(ScriptedLanes(lane), secrets, MemberClusters(kubeconfig_hosts=hosts), account)
    cordoning = Cordoning(fence, send_budget_s=5, within_s=cordon_s, installation=INSTALLATION)
    eyes = MemberEyes(ways_in, cordoning, clock, lambda key, _: woken.append(key))
    try:
        yield Onlooker(lab, lane, clock, secrets, eyes, fence, woken)
    finally:
        eyes.close()


def run_pods(lab: LabThread, replicas: int, **body: Any) -> None:
    """Run a workload in a member cluster."""
    _admin(lab, "/pods", {"cloud": "aws", "cluster": "shop-prod", "name": "web", "replicas": replicas, **body})


def run_autoscaler(lab: LabThread, node_pools: Mapping[str, Any] | None, **body: Any) -> None:
    """Run a Cluster Autoscaler in a member cluster, or none."""
    _admin(lab, "/autoscaler", {"cloud": "aws", "cluster": "shop-prod", "node_pools": node_pools, **body})


def _admin(lab: LabThread, path: str, body: Mapping[str, Any]) -> None:
    answer = requests.post(f"{lab.document['admin']['url']}{path}", json=body, timeout=10)
    assert answer.ok, answer.text
