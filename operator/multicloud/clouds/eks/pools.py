"""EKS node groups: list, resize, poll. Blocking; called on lane threads.

Reads go to `observe` as NodePools, accepted resizes to `act` as Operations. FULL reads describe every node group; SIZES
reads take the Auto Scaling groups, whose names the last description told, a hundred in one call.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from multicloud.clouds.answers import told_or_raised
from multicloud.clouds.eks.clients import Clients
from multicloud.clouds.eks.errors import lack, lost, tidy
from multicloud.clouds.eks.facts import Description, Size, description_of, node_pool, size_of
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
    "Cancelled": OperationState.FAILED,
}
"""By update.status, all values of botocore's model; another one counts as running."""

_GARBAGE = (KeyError, TypeError, ValueError, AttributeError)

Descriptions = dict[str, Description]


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

        SIZES describes again only clusters that are new here or whose last description showed an operation, and node
        groups whose size moved: a move within somebody's operation must not look like drift. Raises CloudError when
        nothing could be read for a reason of no cluster.
        """
        found: dict[ClusterRef, Sequence[NodePool] | CloudError] = {}
        for region in sorted({cluster.location for cluster in clusters}):
            found |= self._read(region, [each for each in clusters if each.location == region], detail)
        return told_or_raised(found)

    def resize(self, change: Resize, *, token: str) -> Operation:
        """Ask for an absolute size inside EKS's own range; `token` makes a repeated call do nothing. Raises CloudError."""
        ref, pool = change.pool.ref, change.pool
        what = f"resizing node group {ref}"
        low, high = pool.cloud_min or 0, pool.cloud_max
        if change.to < low or (high is not None and change.to > high):
            allowed = f"at least {low}" if high is None else f"{low} to {high}"
            raise refused(
                Code.INVALID, f"{what}: EKS allows {allowed} nodes (the node group's scaling config); widen it there"
            )
        self._forget(ref.cluster)
        try:
            answer = self._clients.write(
                "eks",
                ref.cluster.location,
                "update_nodegroup_config",
                what,
                clusterName=ref.cluster.name,
                nodegroupName=ref.name,
                scalingConfig={"desiredSize": change.to},
                clientRequestToken=token,
            )
        finally:
            self._forget(ref.cluster)
        try:
            return _as_ours(answer["update"], ref)
        except _GARBAGE:
            raise lost(what, "took it without naming an update", Code.UNEXPECTED) from None

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
        except _GARBAGE:
            raise _unreadable(what) from None

    def _forget(self, cluster: ClusterRef) -> None:
        """Whatever became of a write, no look may trust a description that was begun before its end."""
        self._writes[cluster] += 1
        self._described.pop(cluster, None)

    def _read(
        self, region: str, clusters: Sequence[ClusterRef], detail: Detail
    ) -> dict[ClusterRef, Sequence[NodePool] | CloudError]:
        described: dict[ClusterRef, Descriptions] = {}
        failed: dict[ClusterRef, CloudError] = {}
        writes = {cluster: self._writes[cluster] for cluster in clusters}
        for cluster in clusters:
            known = self._described.get(cluster)
            try:
                if known is None or detail is Detail.FULL or not _at_rest(known):
                    known = self._describe(cluster)
                described[cluster] = known
            except CloudError as error:
                failed[cluster] = error
        names = [name for known in described.values() for each in known.values() for name in each.groups]
        try:
            sizes = self._sizes(region, names)
        except CloudError as error:
            return dict.fromkeys(clusters, error)
        found: dict[ClusterRef, Sequence[NodePool] | CloudError] = dict(failed)
        for cluster, known in described.items():
            found[cluster] = self._facts(cluster, known, sizes, writes[cluster])
        # A read that ran with this one may have kept an older size, which only costs one more description.
        self._requested |= {name: size.requested for name, size in sizes.items()}
        return found

    def _facts(
        self, cluster: ClusterRef, described: Descriptions, sizes: Mapping[str, Size], writes: int
    ) -> Sequence[NodePool] | CloudError:
        """Judge; a node group at rest whose size moved since the last look is described once more."""
        try:
            for name, each in list(described.items()):
                if each.activity is not Activity.BUSY and self._moved(each, sizes):
                    described = {**described, name: self._describe_one(cluster, name)}
            pools = [node_pool(cluster, each, sizes) for each in described.values()]
        except CloudError as error:
            self._described.pop(cluster, None)  # a group that is not there any more: describe at the next look
            return error
        if writes == self._writes[cluster]:
            self._described[cluster] = described
        return pools

    def _moved(self, described: Description, sizes: Mapping[str, Size]) -> bool:
        return any(
            name in sizes and self._requested.get(name, sizes[name].requested) != sizes[name].requested
            for name in described.groups
        )

    def _describe(self, cluster: ClusterRef) -> Descriptions:
        what, names = f"listing the node groups of {cluster}", list[str]()
        for page in self._pages(
            "eks",
            cluster.location,
            "list_nodegroups",
            what,
            token="nextToken",  # noqa: S106 - the member of EKS that carries a page's token
            clusterName=cluster.name,
            maxResults=100,
        ):
            if "nodegroups" not in page:
                raise _unreadable(what)  # garbage is no proof that there are none
            names += page["nodegroups"]
        found: Descriptions = {}
        for name in names:
            try:
                found[name] = self._describe_one(cluster, name)
            except Refused as error:
                if error.reason.code is not Code.NOT_FOUND:
                    raise  # deleted between the two calls: then it is not there, which is no trouble of the others
        return found

    def _describe_one(self, cluster: ClusterRef, name: str) -> Description:
        what = f"reading node group {cluster}/{name}"
        answer = self._clients.read(
            "eks", cluster.location, "describe_nodegroup", what, clusterName=cluster.name, nodegroupName=name
        )
        try:
            return description_of(answer["nodegroup"])
        except _GARBAGE:
            raise _unreadable(what) from None

    def _sizes(self, region: str, names: Iterable[str]) -> Mapping[str, Size]:
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
                try:
                    sizes |= {str(group["AutoScalingGroupName"]): size_of(group) for group in page["AutoScalingGroups"]}
                except _GARBAGE:
                    raise _unreadable(what) from None
        return sizes

    def _pages(
        self, service: str, region: str, operation: str, what: str, *, token: str, **arguments: Any
    ) -> Iterator[Mapping[str, Any]]:
        while True:
            page = self._clients.read(service, region, operation, what, **arguments)
            yield page
            if not page.get(token):
                return
            arguments[token] = page[token]  # both APIs take it back under the name it came with


def _at_rest(described: Descriptions) -> bool:
    return all(each.activity in {Activity.IDLE, Activity.SICK} for each in described.values())


def _as_ours(update: Mapping[str, Any], pool: NodePoolRef) -> Operation:
    status = str(update["status"])
    state = _STATE.get(status, OperationState.RUNNING)
    words = status if state is not OperationState.FAILED else _why(status, update.get("errors") or [])
    return Operation(id=str(update["id"]), pool=pool, state=state, words=words)


def _why(status: str, errors: Sequence[Mapping[str, Any]]) -> str:
    """EKS's words for a failed update, with what they mean in front where that is a lack of machines or of quota."""
    codes = [str(error.get("errorCode", "")) for error in errors]
    told = "; ".join(f"{error.get('errorCode', '')}: {error.get('errorMessage', '')}" for error in errors)
    return tidy(f"{lack(codes)}{status}: {told}" if told else status)


def _unreadable(what: str) -> Unavailable:
    return Unavailable(Reason(code=Code.UNEXPECTED, text=f"{what}: AWS gave an answer that is none"))
