"""Where the spine's stories play: one namespace of the real API server, three emulated clouds, a gate between them.

The operator comes and goes as a process. Everything is judged by the lab's journal and by what the API server holds.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from multicloud_lab.controlplane import ControlPlane
from multicloud_lab.core.gate import Action, When
from multicloud_lab.core.seed import Seed
from multicloud_lab.thread import LabThread
from support import samples
from support.api_gate import ApiGate
from support.controlplane import remove_own_objects
from support.kubeapi import KubeApi
from support.operator_process import OperatorProcess, settings_for
from support.waiting import until

FACTOR = 100.0
"""Virtual seconds of the clouds per real one: an operation takes one to two seconds, a boot about one."""

QUICK_LEASE = {
    "durationSeconds": 4,
    "renewDeadlineSeconds": 3.2,
    "retrySeconds": 0.8,
    "sendBudgetSeconds": 0.5,
    "takeoverMarginSeconds": 0.3,
}
"""A lease for who dies often. Nothing is imported any more when such a process starts, so that it can be short."""

MOST_CALLS = 80
"""A wish of three pools takes about so many calls to clouds and API server until all is said of it."""

SIZES = range(2, 13)
"""Sizes that are wished for by chance."""

HAND = "hand"
CONVERGES_S = 60.0


class Stopped(Protocol):
    """A request that waits somewhere until it is released."""

    def wait(self, timeout_s: float, tell: Callable[[], object] = ...) -> object: ...

    def release(self, action: Action = ...) -> None: ...


@dataclass(frozen=True, slots=True)
class HeldCall:
    """A cloud's call, held by the lab."""

    lab: LabThread
    hold: str
    what: str

    def wait(self, timeout_s: float, tell: Callable[[], object] = str) -> None:
        try:
            self.lab.wait_reached(self.hold, timeout_s)
        except TimeoutError:
            raise AssertionError(f"no {self.what} came to be held within {timeout_s} s\n{tell()}") from None

    def release(self, action: Action = "continue") -> None:
        self.lab.release(self.hold, action)


@dataclass(frozen=True, slots=True)
class Resize:
    """One effective resize by the operator: from so many nodes to so many."""

    origin: int
    to: int


class Stage:
    """One story's world."""

    def __init__(self, plane: ControlPlane, lab: LabThread, gate: ApiGate, directory: Path, namespace: str) -> None:
        self.plane = plane
        self.lab = lab
        self.gate = gate
        self.namespace = namespace
        self.api = KubeApi(plane, namespace)
        self._directory = directory
        self._operators: list[OperatorProcess] = []

    def operator(self, name: str = "one", *, usual: Sequence[str] = (), **settings: Any) -> OperatorProcess:
        """A replica, not started; top-level settings replace those of `settings_for`, `usual` ones keep their defaults."""
        base = settings_for(self.lab.document, kubeconfig=self.gate.kubeconfig, namespace=self.namespace)
        kept = {key: value for key, value in base.items() if key not in usual}
        made = OperatorProcess(self._directory, name, {**kept, **settings})
        self._operators.append(made)
        return made

    def close(self) -> None:
        for operator in self._operators:
            operator.kill()
        self.api.close()

    def given_accounts(self) -> None:
        """Secrets and accounts of the three clouds."""
        credentials = self.lab.document["credentials"]
        self.api.create_all([*samples.secrets(credentials), *samples.accounts(credentials)])

    def kubectl(self, *args: str) -> str:
        """What kubectl prints for a person in this namespace."""
        answer = self.plane.kubectl(*args, f"--namespace={self.namespace}")
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    # What the API server holds

    def status(self, pool: str) -> dict[str, Any]:
        return self.api.pool(pool).get("status") or {}

    def member(self, pool: str, name: str) -> dict[str, Any]:
        """One member of a pool's status, empty before it is reported."""
        return next((each for each in self.status(pool).get("members", ()) if each["name"] == name), {})

    def condition(self, pool: str, kind: str) -> tuple[str, str]:
        """Status and reason of a condition, empty before it is reported."""
        return condition_of(self.status(pool), kind)

    def until(self, look: Callable[[], Any], what: str, *, timeout_s: float = CONVERGES_S) -> None:
        """Wait for something, telling the whole world when it does not come."""
        until(look, what, timeout_s=timeout_s, tell=self.tell)

    def until_found(self, pool: str, *members: str) -> None:
        """Wait until the members have been read and taken over."""
        for name in members or (pool,):
            self.until(partial(self._claim, pool, name), f"{name} of {pool} is taken over")

    def _claim(self, pool: str, member: str) -> object:
        return self.member(pool, member).get("claim")

    def until_condition(
        self, pool: str, kind: str, status: str, reason: str, *, timeout_s: float = CONVERGES_S
    ) -> None:
        """Wait until a pool shows a condition with this status and reason."""

        def shown() -> bool:
            return self.condition(pool, kind) == (status, reason)

        self.until(shown, f"{pool} shows {kind}={status} {reason}", timeout_s=timeout_s)

    def until_desired(self, pool: str, units: int) -> None:
        """Wait until a pass has taken a wish over."""
        self.until(partial(self._desires, pool, units), f"{pool} wants {units}")

    def _desires(self, pool: str, units: int) -> bool:
        return self.status(pool).get("desiredReplicas") == units

    def until_nodes(self, pool: str, nodes: int, *, member: str | None = None) -> None:
        """Wait until the status says that a member has so many nodes, all ready, and nothing is under way."""

        self.until(partial(self._has, pool, nodes, member or pool), f"{member or pool} of {pool} has {nodes} nodes")

    def until_every_pool_has(self, nodes: int, operator: OperatorProcess) -> None:
        """Wait until that holds for the pools called as the clouds are, and keep an operator running meanwhile."""

        def all_have() -> bool:
            operator.revive()
            return all(self._has(cloud, nodes, cloud) for cloud in samples.CLOUDS)

        self.until(all_have, f"every pool has {nodes} nodes")

    def _has(self, pool: str, nodes: int, member: str) -> bool:
        seen = self.member(pool, member)
        sizes = [seen.get(key) for key in ("requestedNodes", "nodes", "readyNodes")]
        return sizes == [nodes] * 3 and seen.get("intent") is None

    def until_heard(self, calls: int, operator: OperatorProcess) -> None:
        """Wait until so many calls more were made, to the API server and to clouds; keep the operator running."""
        before = self._heard()

        def heard() -> bool:
            operator.revive()
            return self._heard() - before >= calls

        self.until(heard, f"{calls} calls")

    def _heard(self) -> int:
        return len(self.gate.seen) + self.lab.run(lambda lab: len(lab.journal))

    # What the clouds saw

    def hold_call(self, operation: str, *, when: When = "before", nth: int = 1) -> HeldCall:
        """Hold a call by the name that the journal gives it."""
        return HeldCall(self.lab, self.lab.hold(operation, when=when, nth=nth), operation)

    def cloud_calls(self, operation: str) -> list[dict[str, Any]]:
        """Every such call of the operator, refused ones too."""
        return [call for call in self.lab.journal() if call["operation"] == operation and call["principal"] != HAND]

    def cloud_writes(self) -> list[dict[str, Any]]:
        """Every call of the operator that asked any cloud for a size, refused ones too."""
        asks = set(samples.RESIZE.values())
        return [call for call in self.lab.journal() if call["operation"] in asks and call["principal"] != HAND]

    def resizes(self, cloud: str, *, node_pool: str = "web") -> list[Resize]:
        """Effective resizes of a cloud's node pool by the operator, in order."""
        return [
            Resize(call["from"], call["to"])
            for call in self.cloud_calls(samples.RESIZE[cloud])
            if call["effective"] and call["from"] != call["to"] and call["pool"] == node_pool
        ]

    def requested(self, cloud: str, cluster: str, node_pool: str = "web") -> int:
        """Nodes that a cloud tries to reach now."""
        fleet = self.lab.run(lambda lab: lab.fleet)
        (found,) = [
            each.requested
            for each in fleet
            if (each.cloud, each.cluster, each.node_pool) == (cloud, cluster, node_pool)
        ]
        return found

    def tell(self) -> str:
        """Everything that helps to understand why something did not come."""
        statuses = {body["metadata"]["name"]: _told(body.get("status") or {}) for body in self.api.pools()}
        writes = [
            f"  {call['cloud']} {call['operation']} {call['cluster']}/{call['pool']} {call['from']} → {call['to']}: "
            f"{call['result']}{' (effective)' if call['effective'] else ''}"
            for call in self.cloud_writes()
        ]
        logs = [operator.tail() for operator in self._operators if operator.log.exists()]
        return "\n".join([json.dumps(statuses, indent=1, ensure_ascii=False), "cloud writes:", *writes, *logs])


def condition_of(status: Mapping[str, Any], kind: str) -> tuple[str, str]:
    """Status and reason of a condition, empty where there is none."""
    found = next((each for each in status.get("conditions", ()) if each["type"] == kind), None)
    return (found["status"], found["reason"]) if found else ("", "")


@contextmanager
def a_stage(
    plane: ControlPlane, directory: Path, *, seed: Seed | None = None, factor: float = FACTOR
) -> Iterator[Stage]:
    """A namespace of its own, a lab of its own, a gate of its own; no operator yet."""
    namespace = f"spine-{uuid4().hex[:10]}"
    plane.kubectl("create", "namespace", namespace).check_returncode()
    with LabThread(seed, factor) as lab, ApiGate(plane, directory) as gate:
        stage = Stage(plane, lab, gate, directory, namespace)
        try:
            yield stage
        finally:
            stage.close()
            remove_own_objects(plane, namespace)


def _told(status: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a status that fits a message."""
    members = [
        {key: member.get(key) for key in ("name", "requestedNodes", "readyNodes", "targetNodes", "intent", "reason")}
        for member in status.get("members", ())
    ]
    conditions = [f"{each['type']}={each['status']} {each['reason']}" for each in status.get("conditions", ())]
    return {"desired": status.get("desiredReplicas"), "members": members, "conditions": conditions}
