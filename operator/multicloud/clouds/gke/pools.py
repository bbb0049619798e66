"""GKE node pools: list, resize, poll. Blocking; called on lane threads.

Reads go to `observe` as NodePools, accepted resizes to `act` as Operations. FULL reads describe every cluster; SIZES
reads take the project's instance groups in one list and keep the last description of what was at rest.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from multicloud.clouds.answers import Found, pool_told, pools_told, told_or_raised
from multicloud.clouds.gke.compute import Compute, GroupKey, Groups
from multicloud.clouds.gke.container import CloudOperation, Container, Description
from multicloud.clouds.gke.errors import VENDOR, lack, tidy, unreadable
from multicloud.clouds.gke.facts import activity_of, node_pool
from multicloud.model.error import CloudError, Refused, refused
from multicloud.model.port import ClusterPools
from multicloud.model.reason import Code
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import Activity, Detail, NodePool, Operation, OperationState, Resize

_OPERATION_NAME = re.compile(
    r"projects/(?P<project>[a-z0-9:.-]+)/locations/(?P<location>[a-z0-9-]+)/operations/[A-Za-z0-9_-]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Described:
    """A cluster's node pools, the operation that ran on it, and its groups' targets when they were read."""

    pools: tuple[Description, ...]
    running: CloudOperation | None
    targets: Mapping[GroupKey, int]

    def is_at_rest(self) -> bool:
        moving = {Activity.BUSY, Activity.LEAVING}
        return not any(activity_of(pool, self.running) in moving for pool in self.pools)

    def fits(self, groups: Groups) -> bool:
        return self.targets == _targets(self.pools, groups)


class GkeNodePools:
    """The port NodePools on Google Cloud."""

    def __init__(self, container: Container, compute: Compute) -> None:
        """Use the account's two APIs."""
        self._container = container
        self._compute = compute
        self._described: dict[ClusterRef, _Described] = {}
        self._writes: Counter[ClusterRef] = Counter()
        self._timed_out: set[ClusterRef] = set()

    def list(self, clusters: Sequence[ClusterRef], *, detail: Detail) -> ClusterPools:
        """Read the node pools of each cluster; sizes of a whole project come in one list.

        SIZES describes again only clusters that are new here, that were moving, or whose groups' targets moved: a move
        within somebody's operation must not look like drift. Raises CloudError when nothing could be read for a reason
        of no cluster.
        """
        found: dict[ClusterRef, Found | CloudError] = {}
        for (project, location), members in _by_place(clusters).items():
            found |= self._read(project, location, members, detail)
        return told_or_raised(clusters, found)

    def read(self, pool: NodePoolRef) -> NodePool | None:
        """As the port says, out of its cluster's list. Raises CloudError."""
        return pool_told(self.list([pool.cluster], detail=Detail.FULL), pool)

    def resize(self, change: Resize, *, token: str) -> Operation:  # noqa: ARG002 - Google has no idempotency token here
        """Ask for an absolute size, the same in every zone. Raises CloudError; Refused before sending if it is uneven."""
        ref, step = change.pool.ref, change.pool.step
        per_zone, rest = divmod(change.to, step)
        if rest or per_zone < 0:
            raise refused(Code.INVALID, f"node pool {ref} has {step} zones: its size must be a multiple of {step}")
        try:
            return _as_ours(self._container.set_size(ref, per_zone), ref)
        finally:
            self._forget(ref.cluster)

    def poll(self, operation: Operation) -> Operation:
        """Ask how an operation is going; only names in the pool's own project and location are asked for."""
        cluster = operation.pool.cluster
        known = _OPERATION_NAME.fullmatch(operation.id)
        if known is None or (known["project"], known["location"]) != (cluster.owner, cluster.location):
            return _lost(operation, "not the name of an operation of this project and location")
        try:
            return _as_ours(self._container.operation(operation.id), operation.pool)
        except Refused as error:
            if error.reason.code is Code.NOT_FOUND:
                return _lost(operation, "Google no longer knows the operation")
            raise

    def _read(
        self, project: str, location: str, clusters: Sequence[ClusterRef], detail: Detail
    ) -> dict[ClusterRef, Found | CloudError]:
        # Sizes first: an operation that begins in between then makes the pool BUSY instead of looking like drift.
        try:
            groups = self._compute.groups(project)
        except CloudError as error:
            return dict.fromkeys(clusters, error)
        stale = [each for each in clusters if detail is Detail.FULL or self._must_describe(each, groups)]
        failed = self._describe(project, location, stale, groups)
        return {each: failed.get(each) or self._facts(each, groups) for each in clusters}

    def _forget(self, cluster: ClusterRef) -> None:
        """Whatever became of a write, no look may trust a description that was begun before its end."""
        self._writes[cluster] += 1
        self._described.pop(cluster, None)

    def _must_describe(self, cluster: ClusterRef, groups: Groups) -> bool:
        known = self._described.get(cluster)
        return known is None or not known.is_at_rest() or not known.fits(groups)

    def _describe(
        self, project: str, location: str, clusters: Sequence[ClusterRef], groups: Groups
    ) -> Mapping[ClusterRef, CloudError]:
        """Read descriptions and running operations; a time-out ends the round, and that cluster is last next time."""
        if not clusters:
            return {}
        try:
            running = _by_cluster(self._container.operations(project, location))
        except CloudError as error:
            return dict.fromkeys(clusters, error)
        failed: dict[ClusterRef, CloudError] = {}
        slow = False
        for cluster in sorted(clusters, key=lambda each: each in self._timed_out):
            if slow:
                text = "it was not read: another read of this round timed out"
                failed[cluster] = unreadable(str(cluster), text, code=Code.TIMED_OUT)
                continue
            writes = self._writes[cluster]
            try:
                pools = tuple(self._container.node_pools(cluster))
            except CloudError as error:
                failed[cluster] = error
                slow = error.reason.code is Code.TIMED_OUT
                if slow:
                    self._timed_out.add(cluster)
            else:
                self._timed_out.discard(cluster)
                if writes == self._writes[cluster]:
                    self._described[cluster] = _Described(
                        pools=pools,
                        running=running.get((location, cluster.name)),
                        targets=_targets(pools, groups),
                    )
        return failed

    def _facts(self, cluster: ClusterRef, groups: Groups) -> Found | CloudError:
        described = self._described.get(cluster)
        if described is None:
            return unreadable(str(cluster), "it was resized while it was read", code=Code.STALE)
        running = described.running
        facts = ((pool.name, partial(node_pool, cluster, pool, groups, running)) for pool in described.pools)
        try:
            return pools_told(cluster, VENDOR, facts)
        except CloudError as error:
            return error


def _targets(pools: Iterable[Description], groups: Groups) -> Mapping[GroupKey, int]:
    """What each group of the pools tries to reach; -1 for one that was not told, so that its coming shows."""
    keys = [key for pool in pools for key in pool.groups]
    return {key: groups[key].target if key in groups else -1 for key in keys}


def _by_place(clusters: Iterable[ClusterRef]) -> dict[tuple[str, str], list[ClusterRef]]:
    places: dict[tuple[str, str], list[ClusterRef]] = {}
    for cluster in clusters:
        places.setdefault((cluster.owner, cluster.location), []).append(cluster)
    return places


def _by_cluster(operations: Iterable[CloudOperation]) -> dict[tuple[str, str], CloudOperation]:
    return {(each.location, each.cluster): each for each in operations if not each.is_done}


def _as_ours(operation: CloudOperation, pool: NodePoolRef) -> Operation:
    """DONE alone does not say that it went well: the error beside it does."""
    cluster = pool.cluster
    path = f"projects/{cluster.owner}/locations/{cluster.location}/operations/{operation.name}"
    if not operation.is_done:
        return Operation(id=path, pool=pool, state=OperationState.RUNNING, words=operation.status)
    if operation.error is None:
        return Operation(id=path, pool=pool, state=OperationState.DONE, words=operation.status)
    words = tidy(f"{lack(operation.error)}{operation.error.code}: {operation.error.message}")
    state = OperationState.CANCELED if operation.error.code == "CANCELLED" else OperationState.FAILED
    return Operation(id=path, pool=pool, state=state, words=words)


def _lost(operation: Operation, words: str) -> Operation:
    return Operation(id=operation.id, pool=operation.pool, state=OperationState.LOST, words=words)
