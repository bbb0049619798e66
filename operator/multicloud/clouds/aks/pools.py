"""Agent pools through Azure's SDK: list, resize by compare-and-set, poll. Blocking; called on lane threads.

Reads go to `observe` as NodePools, accepted resizes to `act` as Operations. A resize reads the pool, changes its count
and sends everything writable back under If-Match, because AKS's PUT replaces and a leftover may ask for more than a size.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.containerservice.models import AgentPool

from multicloud.clouds.aks.errors import VENDOR, Told, of_exception, retry_after_s, tidy, verdict
from multicloud.clouds.aks.facts import (
    NOT_SENT_BACK,
    VIRTUAL_MACHINES,
    claim_of,
    is_settled,
    node_pool,
    sizes_of,
)
from multicloud.clouds.aks.pipeline import Arm
from multicloud.clouds.answers import Found, Pages, garbled, pool_told, pools_told, told_or_raised
from multicloud.clouds.verdicts import lost
from multicloud.model.error import CloudError, Conflict, Unavailable, refused
from multicloud.model.port import ClusterPools
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import Activity, Detail, NodePool, Operation, OperationState, Resize

OPERATION_API = "2016-03-30"
"""The api-version that AKS itself writes into the URLs of its operations."""

GARBAGE = (AzureError, ValueError, KeyError, TypeError, AttributeError)
"""What the SDK raises for errors, and for answers that are not the JSON they should be."""

_OPERATION_URL = re.compile(r"/locations/(?P<location>[A-Za-z0-9-]+)/operations/(?P<id>[A-Za-z0-9-]+)(?:[?#]|$)")
_OPERATION_ID = re.compile(r"(?P<location>[A-Za-z0-9-]+)/(?P<id>[A-Za-z0-9-]+)")


class AksNodePools:
    """The port NodePools on ARM."""

    def __init__(self, arm: Arm) -> None:
        """Use the account's clients."""
        self._arm = arm
        self._settled: dict[str, int] = {}
        self._timed_out: set[ClusterRef] = set()

    def list(self, clusters: Sequence[ClusterRef], *, detail: Detail) -> ClusterPools:  # noqa: ARG002 - one list tells all
        """Read the agent pools of each cluster: one list a cluster, machines only of pools that are not settled.

        A cluster whose read timed out ends the round, so that the others' answers still arrive within the caller's
        deadline; it is read last next time. Raises CloudError when nothing could be read for a reason of no cluster.
        """
        found: dict[ClusterRef, Found | CloudError] = {}
        slow: CloudError | None = None
        for cluster in sorted(clusters, key=lambda each: each in self._timed_out):
            if slow is not None:
                text = f"{cluster} was not read: another read of this round timed out"
                found[cluster] = Unavailable(Reason(code=Code.TIMED_OUT, text=text))
                continue
            try:
                found[cluster] = self._pools(cluster)
                self._timed_out.discard(cluster)
            except CloudError as error:
                found[cluster] = error
                if error.reason.code is Code.TIMED_OUT:
                    slow = error
                    self._timed_out.add(cluster)
        return told_or_raised(clusters, found)

    def read(self, pool: NodePoolRef) -> NodePool | None:
        """As the port says, out of its cluster's list. Raises CloudError."""
        return pool_told(self.list([pool.cluster], detail=Detail.FULL), pool)

    def resize(self, change: Resize, *, token: str) -> Operation:  # noqa: ARG002 - ARM has no idempotency token
        """Set the count of the pool that still has `change.pool.version`. Raises CloudError; Conflict when it moved."""
        ref = change.pool.ref
        what = f"resizing agent pool {ref}"
        client = self._arm.client(ref.cluster.owner)
        pool = self._get(client, ref)
        if not pool.e_tag:
            raise Unavailable(
                Reason(code=Code.UNEXPECTED, text=f"{what}: AKS told no eTag, so no safe write is possible")
            )
        if pool.e_tag != change.pool.version:
            text = f"{what}: the pool changed since it was read"
            raise Conflict(Reason(code=Code.CONFLICT, text=text))
        return self._put(client, ref, _with_count(pool, change.to, what), pool.e_tag)

    def poll(self, operation: Operation) -> Operation:
        """Ask ARM for the operation; only its id and location are taken from the memory. Raises CloudError."""
        ref = operation.pool
        known = _OPERATION_ID.fullmatch(operation.id)
        if known is None:
            return _ended(operation, OperationState.LOST, "not an id of an AKS operation")
        what = f"asking for the operation on agent pool {ref}"
        # Built from the settings: a URL out of the status would let whoever may write it receive our token.
        path = (
            f"/subscriptions/{quote(ref.cluster.owner, safe='')}/providers/Microsoft.ContainerService"
            f"/locations/{known['location']}/operations/{known['id']}?api-version={OPERATION_API}"
        )
        try:
            response = self._arm.client(ref.cluster.owner).send_request(HttpRequest("GET", self._arm.url + path))
            if response.status_code >= 300:
                raise HttpResponseError(response=response)
            return _polled(operation, response)
        except GARBAGE as error:
            typed = of_exception(error, what, write=False)
            if typed.reason.code is Code.NOT_FOUND:
                return _ended(operation, OperationState.LOST, "AKS no longer knows the operation")
            raise typed from None

    def _pools(self, cluster: ClusterRef) -> Found:
        client, what = self._arm.client(cluster.owner), f"reading the agent pools of {cluster}"
        try:
            pools = list(
                client.agent_pools.list(
                    cluster.group, cluster.name, raw_response_hook=_whole(Pages(what, VENDOR), what)
                )
            )
            facts = ((pool.name or "", partial(self._facts, client, cluster, pool)) for pool in pools)
            return pools_told(cluster, VENDOR, facts)
        except GARBAGE as error:
            raise of_exception(error, what, write=False) from None

    def _facts(self, client: ContainerServiceClient, cluster: ClusterRef, pool: AgentPool) -> NodePool:
        claim = claim_of(cluster, pool.name or "")
        machines = None if is_settled(pool) else self._machines(client, cluster, pool.name or "")
        facts = node_pool(cluster, pool, machines=machines, settled=self._settled.get(claim))
        if is_settled(pool) or (facts.activity is Activity.SICK and machines is not None):
            self._settled[claim] = facts.ready
        return facts

    def _machines(self, client: ContainerServiceClient, cluster: ClusterRef, pool: str) -> int | None:
        """How many machines exist; None where the identity may not list them (an action apart from reading pools)."""
        what = f"reading the machines of {cluster}/{pool}"
        hook = _whole(Pages(what, VENDOR), what)
        try:
            return sum(1 for _ in client.machines.list(cluster.group, cluster.name, pool, raw_response_hook=hook))
        except HttpResponseError as error:
            typed = of_exception(error, what, write=False)
            if typed.reason.code in {Code.DENIED, Code.NOT_FOUND}:
                return None
            raise typed from None

    def _get(self, client: ContainerServiceClient, ref: NodePoolRef) -> AgentPool:
        try:
            return client.agent_pools.get(ref.cluster.group, ref.cluster.name, ref.name)
        except GARBAGE as error:
            raise of_exception(error, f"reading agent pool {ref} before a resize", write=False) from None

    def _put(self, client: ContainerServiceClient, ref: NodePoolRef, body: AgentPool, etag: str) -> Operation:
        what = f"resizing agent pool {ref}"
        seen: dict[str, str] = {}

        def keep(response: Any) -> None:
            seen.update({name.lower(): value for name, value in response.http_response.headers.items()})

        try:
            poller: Any = client.agent_pools.begin_create_or_update(
                ref.cluster.group,
                ref.cluster.name,
                ref.name,
                body,
                etag=etag,
                match_condition=MatchConditions.IfNotModified,
                polling=False,
                raw_response_hook=keep,
            )
            return _accepted(ref, poller.result(), seen)
        except GARBAGE as error:
            raise of_exception(error, what, write=True) from None


def _whole(pages: Pages, what: str) -> Callable[[Any], None]:
    """A hook that refuses a page which is none: the SDK takes one without its list for an empty one, and never stops."""

    def check(response: Any) -> None:
        if response.http_response.status_code != 200:
            return
        body = response.http_response.json()
        if not isinstance(body, dict) or not isinstance(body.get("value"), list):
            raise garbled(what, VENDOR)
        if body.get("nextLink"):
            pages.follow(str(body["nextLink"]))

    return check


def _with_count(pool: AgentPool, count: int, what: str) -> AgentPool:
    """Everything of the pool that a PUT may carry, with another count."""
    properties: dict[str, Any] = pool.as_dict(exclude_readonly=True)["properties"]
    kept = {name: value for name, value in properties.items() if name not in NOT_SENT_BACK}
    if pool.type_properties_type != VIRTUAL_MACHINES:
        return AgentPool({"properties": {**kept, "count": count}})
    if len(sizes_of(pool)) != 1:
        text = f"{what}: its type is VirtualMachines, whose count can be set only where it has one VM size"
        raise refused(Code.SEVERAL_VM_SIZES, text)
    profile = kept["virtualMachinesProfile"]
    [only] = profile["scale"]["manual"]
    kept["virtualMachinesProfile"] = {**profile, "scale": {**profile["scale"], "manual": [{**only, "count": count}]}}
    return AgentPool({"properties": {name: value for name, value in kept.items() if name != "count"}})


def _accepted(ref: NodePoolRef, pool: AgentPool, headers: dict[str, str]) -> Operation:
    match = _OPERATION_URL.search(headers.get("azure-asyncoperation", ""))
    wait_s = retry_after_s({"Retry-After": headers.get("retry-after", "")})
    if match is not None:
        operation_id = f"{match['location']}/{match['id']}"
        return Operation(id=operation_id, pool=ref, state=OperationState.RUNNING, retry_after_s=wait_s)
    if is_settled(pool):
        return Operation(id="", pool=ref, state=OperationState.DONE, words="nothing to change")
    raise lost(f"resizing agent pool {ref}", VENDOR, "took it without naming an operation", Code.UNEXPECTED)


def _polled(operation: Operation, response: HttpResponse) -> Operation:
    body = response.json()
    status, error = str(body["status"]), body.get("error") or {}
    wait_s = retry_after_s(response.headers)
    match status.lower():
        case "succeeded":
            return _ended(operation, OperationState.DONE, status)
        case "failed":
            return _ended(operation, OperationState.FAILED, _why(status, error))
        case "canceled" | "cancelled":
            return _ended(operation, OperationState.CANCELED, _why(status, error))
        case _:
            return Operation(
                id=operation.id, pool=operation.pool, state=OperationState.RUNNING, words=status, retry_after_s=wait_s
            )


def _why(status: str, error: dict[str, Any]) -> str:
    """AKS's words for a failure, with what they mean in front where that is a lack of machines or of quota."""
    code, message = str(error.get("code") or ""), str(error.get("message") or "")
    found = verdict(Told(status=None, code=code, message=message))
    lack = f"{found.code}: " if found is not None and found.code in {Code.STOCKOUT, Code.QUOTA} else ""
    return tidy(lack + ": ".join(part for part in (status, code, message) if part))


def _ended(operation: Operation, state: OperationState, words: str) -> Operation:
    return Operation(id=operation.id, pool=operation.pool, state=state, words=words)
