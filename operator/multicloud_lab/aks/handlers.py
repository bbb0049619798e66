"""What each of ARM's operations answers: from a checked request, through the engine, to status, body and headers.

The wire calls `Handlers.answer` synchronously between the gate's two sides; nothing in here waits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from multicloud_lab.aks import errors, render, roles, rules
from multicloud_lab.aks.engine import AksEngine, PutRequest
from multicloud_lab.aks.errors import ArmError
from multicloud_lab.aks.kubeconfig import user_credentials
from multicloud_lab.aks.state import AgentPool, Cluster, Operation
from multicloud_lab.core.calls import Call

OPERATION_URL_VERSION = "2016-03-30"
"""The api-version that AKS itself writes into operation URLs."""

RETRY_AFTER_S = 10

_VERBS: Mapping[str, str] = {
    "AgentPools_CreateOrUpdate": "write",
    "AgentPools_Delete": "delete",
    "AgentPools_DeleteMachines": "action",
    "AgentPools_AbortLatestOperation": "action",
}
"""What Resource Manager calls an operation on something inside a cluster; the others are reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that may be committed; `root` is the client's own view of scheme and host."""

    names: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    root: str
    path: str
    call: Call
    body: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes out, and what the journal says of it (counts in nodes wished)."""

    status: int = 200
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    effective: bool = False
    from_: int | None = None
    to: int | None = None


class Handlers:
    """Every operation of ARM that the lab serves."""

    def __init__(self, engine: AksEngine) -> None:
        """Answer from the engine's state."""
        self._engine = engine
        self._handlers: Mapping[str, Callable[[Visit], Answer]] = {
            "ManagedClusters_List": self._list_subscription,
            "ManagedClusters_ListByResourceGroup": self._list_group,
            "ManagedClusters_Get": self._get_cluster,
            "ManagedClusters_ListClusterUserCredentials": self._credentials,
            "ManagedClusters_AbortLatestOperation": self._abort_cluster,
            "AgentPools_List": self._list_pools,
            "AgentPools_Get": self._get_pool,
            "AgentPools_CreateOrUpdate": self._put_pool,
            "AgentPools_Delete": self._delete_pool,
            "AgentPools_DeleteMachines": self._delete_machines,
            "AgentPools_AbortLatestOperation": self._abort,
            "Machines_List": self._list_machines,
            "Machines_Get": self._get_machine,
            "Operations_GetStatus": self._operation_status,
            "Operations_GetResult": self._operation_result,
            "Permissions_ListForResourceGroup": self._permissions,
            "Permissions_ListForResource": self._permissions,
        }

    def answer(self, visit: Visit) -> Answer:
        """Commit a request. Raises ArmError and then changes nothing."""
        return self._handlers[visit.call.operation](visit)

    # Reads

    @property
    def _actual(self) -> bool:
        return self._engine.switches.get_shows == "actual"

    def _list_subscription(self, visit: Visit) -> Answer:
        return self._clusters(visit, self._engine.in_subscription(visit.names["subscription"]))

    def _list_group(self, visit: Visit) -> Answer:
        return self._clusters(visit, self._engine.in_group(visit.names["subscription"], visit.names["group"]))

    def _clusters(self, visit: Visit, clusters: Sequence[Cluster]) -> Answer:
        return self._page(visit, [self._shown_cluster(cluster) for cluster in clusters])

    def _get_cluster(self, visit: Visit) -> Answer:
        return Answer(body=self._shown_cluster(self._cluster(visit)))

    def _credentials(self, visit: Visit) -> Answer:
        lab, form = self._engine.lab, visit.query.get("format", "azure")
        tenant_id = lab.seed.azure.principals[0].tenant_id
        return Answer(body=user_credentials(self._cluster(visit), tenant_id, lab.member_apis, form))

    def _list_pools(self, visit: Visit) -> Answer:
        cluster = self._cluster(visit)
        return self._page(visit, [self._shown(cluster, pool, listed=True) for pool in cluster.pools.values()])

    def _get_pool(self, visit: Visit) -> Answer:
        return Answer(body=self._shown(*self._pool(visit)))

    def _list_machines(self, visit: Visit) -> Answer:
        cluster, pool = self._pool(visit)
        return self._page(visit, [render.machine(cluster, pool, node) for node in render.machines(pool)])

    def _get_machine(self, visit: Visit) -> Answer:
        cluster, pool = self._pool(visit)
        name = visit.names["machine"]
        for node in render.machines(pool):
            if node.name == name.lower():
                return Answer(body=render.machine(cluster, pool, node))
        raise errors.not_found("machine", name, f"agent pool '{pool.name}'")

    def _operation_status(self, visit: Visit) -> Answer:
        return Answer(body=render.operation_status(self._operation(visit)))

    def _operation_result(self, visit: Visit) -> Answer:
        operation = self._operation(visit)
        if operation.status == "InProgress":
            location = _operation_url(visit, operation, "operationresults")
            return Answer(status=202, headers={"Location": location, "Retry-After": str(RETRY_AFTER_S)})
        if operation.status == "Succeeded":
            return Answer(status=204)
        error = operation.error or {"code": operation.status, "message": "The operation was canceled."}
        raise ArmError(409, str(error["code"]), str(error["message"]))

    def _permissions(self, visit: Visit) -> Answer:
        if "cluster" in visit.names:
            cluster = self._cluster(visit)
            if "pool" in visit.names:
                self._engine.pool(cluster, visit.names["pool"])
        else:
            self._engine.in_group(visit.names["subscription"], visit.names["group"])
        return Answer(body={"value": roles.listed(self._engine.lab.permissions, visit.call.principal, visit.names)})

    # Writes

    def _put_pool(self, visit: Visit) -> Answer:
        cluster = self._cluster(visit)
        result = self._engine.put(
            PutRequest(
                cluster=cluster,
                name=visit.names["pool"],
                wished=rules.read_properties(visit.body),
                if_match=visit.headers.get("If-Match"),
                if_none_match=visit.headers.get("If-None-Match"),
                call=visit.call,
            )
        )
        headers: dict[str, str] = {}
        if result.operation is not None:
            headers["Azure-AsyncOperation"] = _operation_url(visit, result.operation, "operations")
        if result.created:
            headers["Retry-After"] = str(RETRY_AFTER_S)
        return Answer(
            status=201 if result.created else 200,
            # The answer to a PUT shows the wish, whatever GET shows meanwhile.
            body=render.agent_pool(cluster, result.pool, count=result.to),
            headers=headers,
            effective=result.operation is not None,
            from_=result.from_,
            to=result.to,
        )

    def _delete_pool(self, visit: Visit) -> Answer:
        ignore = visit.query.get("ignore-pod-disruption-budget", "false")
        if ignore.lower() not in {"true", "false"}:
            raise ArmError(400, "InvalidParameter", f"ignore-pod-disruption-budget is {ignore!r}, not true or false.")
        cluster, if_match = self._cluster(visit), visit.headers.get("If-Match")
        operation, nodes = self._engine.delete(cluster, visit.names["pool"], if_match, visit.call)
        if operation is None:
            return Answer(status=204)
        return _accepted(visit, operation, from_=nodes, to=0)

    def _delete_machines(self, visit: Visit) -> Answer:
        names = visit.body.get("machineNames") if isinstance(visit.body, dict) else None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise errors.bad_content("'machineNames' must be a list of at least one name.")
        cluster, pool = self._pool(visit)
        result = self._engine.delete_machines(cluster, pool, names, visit.call)
        assert result.operation is not None
        return _accepted(visit, result.operation, from_=result.from_, to=result.to)

    def _abort(self, visit: Visit) -> Answer:
        operation = self._engine.abort(*self._pool(visit))
        return Answer(status=204) if operation is None else _accepted(visit, operation)

    def _abort_cluster(self, visit: Visit) -> Answer:
        operation = self._engine.abort_cluster(self._cluster(visit))
        return Answer(status=204) if operation is None else _accepted(visit, operation)

    # Finding

    def _cluster(self, visit: Visit) -> Cluster:
        names, operation = visit.names, visit.call.operation
        inside = None if operation.startswith("ManagedClusters") else _VERBS.get(operation, "read")
        return self._engine.cluster(names["subscription"], names["group"], names["cluster"], inside=inside)

    def _pool(self, visit: Visit) -> tuple[Cluster, AgentPool]:
        cluster = self._cluster(visit)
        return cluster, self._engine.pool(cluster, visit.names["pool"])

    def _operation(self, visit: Visit) -> Operation:
        names = visit.names
        return self._engine.operation(names["subscription"], names["location"], names["operation"])

    def _shown_cluster(self, cluster: Cluster) -> dict[str, Any]:
        return render.managed_cluster(cluster, actual=self._actual, max_pools=self._engine.switches.max_pools)

    def _shown(self, cluster: Cluster, pool: AgentPool, *, listed: bool = False) -> dict[str, Any]:
        count = render.shown_count(pool, actual=self._actual)
        return render.agent_pool(cluster, pool, count=count, listed=listed)

    def _page(self, visit: Visit, items: Sequence[Mapping[str, Any]]) -> Answer:
        size = self._engine.switches.page_size or max(len(items), 1)
        skip = visit.query.get("$skiptoken", "0")
        if not skip.isdigit():
            raise ArmError(400, "InvalidSkipToken", f"The skip token '{skip}' is not one that a list gave out.")
        start = int(skip)
        body: dict[str, Any] = {"value": items[start : start + size]}
        if start + size < len(items):
            version = visit.query["api-version"]
            body["nextLink"] = f"{visit.root}{visit.path}?api-version={version}&%24skiptoken={start + size}"
        return Answer(body=body)


def _accepted(visit: Visit, operation: Operation, *, from_: int | None = None, to: int | None = None) -> Answer:
    """Return the 202 of an operation whose result is at its Location."""
    headers = {
        "Azure-AsyncOperation": _operation_url(visit, operation, "operations"),
        "Location": _operation_url(visit, operation, "operationresults"),
        "Retry-After": str(RETRY_AFTER_S),
    }
    return Answer(status=202, headers=headers, effective=True, from_=from_, to=to)


def _operation_url(visit: Visit, operation: Operation, kind: str) -> str:
    return (
        f"{visit.root}/subscriptions/{operation.subscription}/providers/{render.PROVIDER}"
        f"/locations/{operation.location}/{kind}/{operation.id}?api-version={OPERATION_URL_VERSION}"
    )
