"""Random calls, hands, faults and steps of the clock: the invariants hold after each, and the journal replays."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from multicloud_lab.core.calls import Call
from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.faultkinds import (
    Action,
    DuplicateApply,
    OperationFail,
    OperationForgotten,
    Partial,
    Preempt,
)
from multicloud_lab.core.faults import Fault
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.invariants import check
from multicloud_lab.core.lab import Lab, RefusedError
from multicloud_lab.core.replay import differences, play
from multicloud_lab.core.seed import Seed
from multicloud_lab.gke import GkeEngine
from multicloud_lab.gke.calls import commit
from multicloud_lab.gke.methods import METHODS
from multicloud_lab.gke.names import Name, requested
from support.gkewires import parsed

LOCATIONS = "projects/shop-prod-1/locations"
CLUSTERS = {
    "shop-prod": f"{LOCATIONS}/europe-west1/clusters/shop-prod",
    "shop-batch": f"{LOCATIONS}/europe-west1-b/clusters/shop-batch",
}
POOLS = ("web", "web", "batch", "extra")
STEPS = 40


class Walk:
    """One lab with Google alone, and somebody who does anything to it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a test's walk
        # Every second walk with an autoscaler that goes back on resizes: what moves by itself must replay too.
        switches = {"resizeOfAutoscaled": "undone"} if seed % 2 else {}
        self.lab = Lab(Seed(gcp=Seed().gcp.model_copy(update={"switches": switches})))
        self.engine = GkeEngine(self.lab)
        self.lab.engines["gcp"] = self.engine
        self.hands = Hands(self.lab)

    def step(self) -> None:
        act = self.random.choice([*[self.call] * 5, *[self.wait] * 4, self.hand, self.hand, self.place, self.limit])
        try:
            act()
        except RefusedError:
            return

    def call(self) -> None:
        cluster = self.random.choice(list(CLUSTERS))
        parent, pool = CLUSTERS[cluster], self.random.choice(POOLS)
        name = f"{parent}/nodePools/{pool}"
        count = self.random.choice([0, 1, 2, 3, 7, 1001])
        zones = self.random.sample(["europe-west1-b", "europe-west1-c", "europe-west1-d"], self.random.randint(1, 3))
        block = {"enabled": self.random.random() < 0.7, "maxNodeCount": self.random.randint(0, 9)}
        running = self.random.choice(self.engine.operations(Name(project="shop-prod-1", location="-")) or [None])
        requests: list[tuple[str, dict[str, Any]]] = [
            ("SetNodePoolSize", {"name": name, "nodeCount": count}),
            ("SetNodePoolAutoscaling", {"name": name, "autoscaling": block}),
            ("CreateNodePool", {"parent": parent, "nodePool": {"name": pool, "initialNodeCount": count}}),
            ("DeleteNodePool", {"name": name}),
            ("UpdateNodePool", {"name": name, "locations": zones}),
            ("UpdateNodePool", {"name": name, "imageType": "UBUNTU_CONTAINERD"}),
            ("UpdateNodePool", {"name": name, "machineType": f"n2-standard-{2 ** min(count, 4)}"}),
            ("UpdateNodePool", {"name": name, "labels": {"labels": {"a": str(count)}}, "etag": "x" if count else ""}),
        ]
        if running is not None:
            requests.append(("CancelOperation", {"name": running.name.canonical}))
        operation, request = self.random.choice(requests)
        method = METHODS[operation]
        message = parsed(method.request, request)
        target = requested(message, method.kind)
        arguments = method.arguments(target, message)
        call = Call(
            cloud="gcp",
            operation=operation,
            principal="walker",
            cluster=target.cluster,
            pool=target.pool,
            arguments=arguments,
        )
        commit(self.lab, call, lambda: method.act(self.engine, target, message, call))

    def hand(self) -> None:
        cluster, pool = self.random.choice(list(CLUSTERS)), self.random.choice(POOLS)
        random, hands = self.random, self.hands
        acts: list[Callable[[], object]] = [
            lambda: hands.resize("gcp", cluster, pool, random.randint(0, 12)),
            lambda: hands.autoscale("gcp", cluster, pool, random.randint(0, 12)),
            lambda: hands.upgrade("gcp", cluster, pool, 900),
            lambda: hands.delete("gcp", cluster, pool),
            lambda: hands.recreate("gcp", cluster, pool),
            lambda: hands.autoscale("gcp", cluster, pool, random.randint(0, 6)),
            lambda: hands.recreate("gcp", cluster, random.choice([None, "web"])),
            lambda: hands.delete("gcp", cluster, random.choice([None, "web", "web"])),
        ]
        random.choice(acts)()

    def place(self) -> None:
        actions: list[Action] = [OperationFail(), Preempt(), Partial(nodes=2), DuplicateApply(), OperationForgotten()]
        action = self.random.choice(actions)
        self.lab.faults.place(Fault(action=action, times=1))

    def limit(self) -> None:
        zone, free = self.random.choice(["europe-west1-b", "europe-west1-c"]), self.random.choice([0, 2, None])
        self.lab.capacity.set_free("gcp", zone, None, free)
        vcpus = self.random.choice([60, 200, None])
        self.lab.quotas.set_limit("gcp", "shop-prod-1", "europe-west1", Limit(vcpus=vcpus))

    def wait(self) -> None:
        self.lab.clock.advance(self.random.choice([1, 5, 20, 60, 200, 2000]))


@pytest.mark.parametrize("seed", range(60))
def test_anything_leaves_a_sound_state_that_replays(seed: int) -> None:
    walk = Walk(seed)
    for _ in range(STEPS):
        walk.step()
        assert check(walk.lab) == []
    again = Lab(walk.lab.seed)
    again.engines["gcp"] = GkeEngine(again)
    play(walk.lab.journal.entries(), again, walk.lab.clock.now())
    assert differences(walk.lab, again) == []
