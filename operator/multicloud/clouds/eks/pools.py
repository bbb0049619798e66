"""EKS node groups: list, resize, poll. Blocking; called on lane threads.

Reads go to `observe` as NodePools, accepted resizes to `act` as Operations. FULL reads describe every node group; SIZES
reads take the Auto Scaling groups, whose names the last description told, a hundred in one call.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, Final

from multicloud.clouds.answers import GARBAGE, Found, Pages, garbled, pool_told, pools_told, told_or_raised
from multicloud.clouds.eks.clients import Clients
from multicloud.clouds.eks.errors import VENDOR, lack, tidy
from multicloud.clouds.eks.facts import Description, Size, description_of, node_pool, size_of
from multicloud.clouds.verdicts import lost
from multicloud.model.error import CloudError, Refused, Unavailable, refused
from multicloud.model.port import ClusterPools
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import Activity, Detail, NodePool, Operation, OperationState, Resize

GROUPS_A_CALL: Final = 100
"""Names that DescribeAutoScalingGroups takes, and the most it answers at once (its default is 50)."""

_STATE: Mapping[str, OperationState] = {
    "InProgress": OperationState.RUNNING,
    "Successful": OperationState.DONE,
    "Failed": OperationState.FAILED,
    "Cancelled": OperationState.CANCELED,
}
"""By update.status, all values of botocore's model; another one counts as running."""

_UNHAPPY = frozenset({OperationState.FAILED, OperationState.CANCELED})

Descriptions = dict[str, Description | Unavailable]
"""By the node group's name: what was told of it, or that it was none."""

_WRITTEN: Final = Unavailable(Reason(code=Code.UNEXPECTED, text="written to since it was described"))
"""Stands for a description that is no longer believed."""


class EksNodePools:
    """The port NodePools on EKS."""

    def __init__(self, clients: Clients) -> None:
        """Use the account's clients."""
        self._clients = clients
        self._described: dict[ClusterRef, Descriptions] = {}
        self._writes: Counter[ClusterRef] = Counter()
        self._requested: dict[str, int] = {}

    def list(self, clusters: Sequence[ClusterRef], *, detail: Detail) -> ClusterPools:
        """Read the node groups of each cluster; sizes of a whole region come a hundred groups a call.

        SIZES describes again only clusters that are new here, and node groups that were written to, whose last
        description showed an operation or whose size moved: a move within somebody's operation must not look like
        drift. Raises CloudError when nothing could be read for a reason of no cluster.
        """
        found: dict[ClusterRef, Found | CloudError] = {}
        for region in sorted({cluster.location for cluster in clusters}):
            found |= self._read(region, [each for each in clusters if each.location == region], detail)
        return told_or_raised(clusters, found)

    def read(self, pool: NodePoolRef) -> NodePool | None:
        """Read one node group: two calls, however many the cluster has. Raises CloudError."""
        try:
            described = self._described_now(pool.cluster, pool.name)
        except Refused as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise
            return None
        groups = described.groups if isinstance(described, Description) else ()
        sizes = self._sizes(pool.cluster.location, groups)
        return pool_told(
            pools_told(pool.cluster, VENDOR, [(pool.name, partial(_pool, pool.cluster, described, sizes))]), pool
        )

    def resize(self, change: Resize, *, token: str) -> Operation:
        """Ask for an absolute size; `token` makes a repeated call do nothing. Raises CloudError.

        EKS's own range goes along only to be widened: all three numbers in one call, because EKS judges them together.
        """
        ref = change.pool.ref
        what = f"resizing node group {ref}"
        scaling = _scaling(change, what)
        self._forget(ref)
        try:
            answer = self._clients.write(
                "eks",
                ref.cluster.location,
                "update_nodegroup_config",
                what,
                clusterName=ref.cluster.name,
                nodegroupName=ref.name,
                scalingConfig=scaling,
                clientRequestToken=token,
            )
        finally:
            self._forget(ref)
        try:
            return _as_ours(answer["update"], ref)
        except GARBAGE:
            raise lost(what, VENDOR, "took it without naming an update", Code.UNEXPECTED) from None

    def poll(self, operation: Operation) -> Operation:
        """Ask how an update is going; one that EKS has forgotten is LOST. Raises CloudError."""
        ref = operation.pool
        what = f"asking for the update of node group {ref}"
        try:
            answer = self._clients.read(
                "eks",
                ref.cluster.location,
                "describe_update",
                what,
                name=ref.cluster.name,
                nodegroupName=ref.name,
                updateId=operation.id,
            )
            return _as_ours(answer["update"], ref)
        except Refused as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise
            words = "EKS no longer knows the update"
            return Operation(id=operation.id, pool=ref, state=OperationState.LOST, words=words)
        except GARBAGE:
            raise garbled(what, VENDOR) from None

    def _forget(self, pool: NodePoolRef) -> None:
        """Whatever became of a write, no look may trust a description that was begun before its end."""
        self._writes[pool.cluster] += 1
        known = self._described.get(pool.cluster)
        if known is not None:
            self._described[pool.cluster] = {**known, pool.name: _WRITTEN}

    def _read(
        self, region: str, clusters: Sequence[ClusterRef], detail: Detail
    ) -> dict[ClusterRef, Found | CloudError]:
        described: dict[ClusterRef, Descriptions] = {}
        found: dict[ClusterRef, Found | CloudError] = {}
        writes = {cluster: self._writes[cluster] for cluster in clusters}
        for cluster in clusters:
            known = self._described.get(cluster)
            try:
                if known is None or detail is Detail.FULL:
                    described[cluster] = self._describe(cluster)
                else:
                    described[cluster] = self._renewed(cluster, known)
            except CloudError as error:
                found[cluster] = error
        names = [name for known in described.values() for each in _readable(known) for name in each.groups]
        try:
            sizes = self._sizes(region, names)
        except CloudError as error:
            return dict.fromkeys(clusters, error)
        for cluster, known in described.items():
            found[cluster] = self._facts(cluster, known, sizes, writes[cluster])
        # A read that ran with this one may have kept an older size, which only costs one more description.
        self._requested |= {name: size.requested for name, size in sizes.items()}
        return found

    def _facts(
        self, cluster: ClusterRef, described: Descriptions, sizes: Mapping[str, Size], writes: int
    ) -> Found | CloudError:
        """Judge; a node group at rest whose size moved since the last look is described once more."""
        try:
            for each in _readable(described):
                if each.activity is not Activity.BUSY and self._moved(each, sizes):
                    described = {**described, each.name: self._described_now(cluster, each.name)}
            facts = ((name, partial(_pool, cluster, each, sizes)) for name, each in described.items())
            told = pools_told(cluster, VENDOR, facts)
        except CloudError as error:
            self._described.pop(cluster, None)  # a group that is not there any more: describe at the next look
            return error
        if told.keys() - {cluster}:
            self._described.pop(cluster, None)
        elif writes == self._writes[cluster]:
            self._described[cluster] = described
        return told

    def _moved(self, described: Description, sizes: Mapping[str, Size]) -> bool:
        return any(
            name in sizes and self._requested.get(name, sizes[name].requested) != sizes[name].requested
            for name in described.groups
        )

    def _describe(self, cluster: ClusterRef) -> Descriptions:
        what = f"listing the node groups of {cluster}"
        found: Descriptions = {}
        for page in self._pages(
            "eks",
            cluster.location,
            "list_nodegroups",
            what,
            token="nextToken",  # noqa: S106 - the member of EKS that carries a page's token
            clusterName=cluster.name,
            maxResults=100,
        ):
            names = page.get("nodegroups")
            if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
                raise garbled(what, VENDOR)
            for name in names:
                self._add(found, cluster, name)
        return found

    def _renewed(self, cluster: ClusterRef, known: Descriptions) -> Descriptions:
        """Describe again the node groups that may have changed without a move of their size, and none of the rest."""
        found: Descriptions = {}
        for name, each in known.items():
            if _at_rest(each):
                found[name] = each
            else:
                self._add(found, cluster, name)
        return found

    def _add(self, found: Descriptions, cluster: ClusterRef, name: str) -> None:
        try:
            found[name] = self._described_now(cluster, name)
        except Refused as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise  # deleted since it was listed: then it is not there, which is no trouble of the others

    def _described_now(self, cluster: ClusterRef, name: str) -> Description | Unavailable:
        """Describe one node group; an answer that is none is this one's trouble alone. Raises CloudError for others."""
        what = f"reading node group {cluster}/{name}"
        try:
            answer = self._clients.read(
                "eks", cluster.location, "describe_nodegroup", what, clusterName=cluster.name, nodegroupName=name
            )
            return description_of(answer["nodegroup"])
        except Unavailable as error:
            if error.reason.code is not Code.UNEXPECTED:
                raise
            return error
        except GARBAGE:
            return garbled(what, VENDOR)

    def _sizes(self, region: str, names: Iterable[str]) -> Mapping[str, Size]:
        """Sizes by Auto Scaling group; one that is told wrongly is left out, as one that is not told."""
        sizes: dict[str, Size] = {}
        what = f"reading the Auto Scaling groups of {region}"
        rest = iter(names)
        while batch := list(islice(rest, GROUPS_A_CALL)):
            for page in self._pages(
                "autoscaling",
                region,
                "describe_auto_scaling_groups",
                what,
                token="NextToken",  # noqa: S106 - as above, of Auto Scaling
                AutoScalingGroupNames=batch,
                MaxRecords=GROUPS_A_CALL,
            ):
                if "AutoScalingGroups" not in page:
                    raise garbled(what, VENDOR)
                for group in page["AutoScalingGroups"]:
                    with suppress(*GARBAGE):
                        sizes[str(group["AutoScalingGroupName"])] = size_of(group)
        return sizes

    def _pages(
        self, service: str, region: str, operation: str, what: str, *, token: str, **arguments: Any
    ) -> Iterator[Mapping[str, Any]]:
        pages = Pages(what, VENDOR)
        while True:
            page = self._clients.read(service, region, operation, what, **arguments)
            yield page
            if not page.get(token):
                return
            arguments[token] = pages.follow(page[token])  # both APIs take it back under the name it came with


def _scaling(change: Resize, what: str) -> Mapping[str, int]:
    """The scaling config to send. Raises Refused where EKS's own range is in the way and may not be widened."""
    low, high = change.pool.cloud_min or 0, change.pool.cloud_max
    if change.widen:
        most = max(change.to, high if high is not None else 1, 1)
        return {"minSize": min(change.to, low), "maxSize": most, "desiredSize": change.to}
    if change.to < low or (high is not None and change.to > high):
        allowed = f"at least {low}" if high is None else f"{low} to {high}"
        text = f"{what}: EKS allows {allowed} nodes (the node group's scaling config); cloudRange: Widen moves it"
        raise refused(Code.INVALID, text)
    return {"desiredSize": change.to}


def _pool(cluster: ClusterRef, described: Description | Unavailable, sizes: Mapping[str, Size]) -> NodePool:
    if isinstance(described, Unavailable):
        raise described
    return node_pool(cluster, described, sizes)


def _readable(described: Descriptions) -> Sequence[Description]:
    return [each for each in described.values() if isinstance(each, Description)]


def _at_rest(described: Description | Unavailable) -> bool:
    return isinstance(described, Description) and described.activity in {Activity.IDLE, Activity.SICK}


def _as_ours(update: Mapping[str, Any], pool: NodePoolRef) -> Operation:
    status = str(update["status"])
    state = _STATE.get(status, OperationState.RUNNING)
    words = _why(status, update.get("errors") or []) if state in _UNHAPPY else status
    return Operation(id=str(update["id"]), pool=pool, state=state, words=words)


def _why(status: str, errors: Sequence[Mapping[str, Any]]) -> str:
    """EKS's words for a failed update, with what they mean in front where that is a lack of machines or of quota."""
    codes = [str(error.get("errorCode", "")) for error in errors]
    told = "; ".join(f"{error.get('errorCode', '')}: {error.get('errorMessage', '')}" for error in errors)
    return tidy(f"{lack(codes, told)}{status}: {told}" if told else status)
