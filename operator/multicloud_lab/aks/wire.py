"""ARM over https: requests in, the engine's answers out, with ARM's headers, versions and envelopes.

A request is routed, authenticated and checked, passes the gate, is committed by a synchronous handler,
journalled, passes the gate again and is answered. A listener of its own serves the Entra authority.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from aiohttp import web

from multicloud_lab.aks import errors, render, rules
from multicloud_lab.aks.engine import AksEngine, PutRequest
from multicloud_lab.aks.entra import ARM_AUDIENCES
from multicloud_lab.aks.errors import ArmError
from multicloud_lab.aks.login import login_app
from multicloud_lab.aks.routes import ANY_VERSION, Match, match
from multicloud_lab.aks.state import AgentPool, Cluster, Operation
from multicloud_lab.core.gate import Call, CallDroppedError
from multicloud_lab.core.journal import DROPPED
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import Listener, hang_up, listen
from multicloud_lab.core.tls import Tls

API_VERSIONS = (
    "2024-09-01",
    "2025-01-01",
    "2025-02-01",
    "2025-03-01",
    "2025-05-01",
    "2025-07-01",
    "2025-10-01",
    "2026-06-01",
    "2026-08-01",
)
"""The api-versions that the lab takes; answers have the newest one's names under all of them."""

OPERATION_URL_VERSION = "2016-03-30"
"""The api-version that AKS itself writes into operation URLs."""

RETRY_AFTER_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that may be committed; `root` is the client's own view of scheme and host."""

    names: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    root: str
    path: str
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


class ArmHandler:
    """Every request to ARM."""

    def __init__(self, lab: Lab, engine: AksEngine) -> None:
        """Serve the engine's state."""
        self._lab = lab
        self._engine = engine
        self._handlers: Mapping[str, Callable[[Visit], Answer]] = {
            "ManagedClusters_List": self._list_subscription,
            "ManagedClusters_ListByResourceGroup": self._list_group,
            "ManagedClusters_Get": self._get_cluster,
            "AgentPools_List": self._list_pools,
            "AgentPools_Get": self._get_pool,
            "AgentPools_CreateOrUpdate": self._put_pool,
            "AgentPools_AbortLatestOperation": self._abort,
            "Machines_List": self._list_machines,
            "Machines_Get": self._get_machine,
            "Operations_GetStatus": self._operation_status,
            "Operations_GetResult": self._operation_result,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; journal it once."""
        self._lab.clock.catch_up()
        found = match(request.method, request.rel_url.raw_path)
        headers = _standard_headers(request)
        call = Call(
            cloud="azure",
            operation=found.operation or f"{request.method} {request.path}",
            principal="",
            cluster=self._cluster_name(found),
            pool=found.names.get("pool", "").lower() or None,
            token=request.headers.get("x-ms-client-request-id"),
        )
        try:
            call = replace(call, principal=self._principal(request))
            visit = await _visit(request, found)
            call = replace(call, arguments=_arguments(visit))
            await self._lab.gate.before(call)
            headers |= self._count(found, call.principal)
            answer = self._handlers[str(found.operation)](visit)
        except CallDroppedError:
            self._lab.record(call, result=DROPPED)
            return hang_up(request)
        except ArmError as refused:
            self._lab.record(call, result=refused.code)
            return web.json_response(refused.body(), status=refused.status, headers={**headers, **refused.headers})
        self._lab.record(call, effective=answer.effective, from_=answer.from_, to=answer.to)
        try:
            await self._lab.gate.after(call)
        except CallDroppedError:
            return hang_up(request)
        headers |= answer.headers
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        return web.json_response(answer.body, status=answer.status, headers=headers)

    def _principal(self, request: web.Request) -> str:
        audiences = ARM_AUDIENCES | {_root(request)}
        return self._engine.entra.principal(request.headers.get("Authorization"), audiences)

    def _count(self, found: Match, principal: str) -> dict[str, str]:
        refuse = self._engine.switches.throttle
        names, limits = found.names, self._engine.limits
        write = found.operation in {"AgentPools_CreateOrUpdate", "AgentPools_AbortLatestOperation"}
        header = limits.count(names["subscription"], principal, write=write, refuse=refuse)
        if found.operation == "AgentPools_CreateOrUpdate":
            limits.count_pool_put("/".join(names.values()), refuse=refuse)
        return header

    def _cluster_name(self, found: Match) -> str | None:
        asked = found.names.get("cluster")
        known = (cluster.name for cluster in self._engine.clusters if cluster.name.lower() == (asked or "").lower())
        return next(known, asked)

    # Reads

    @property
    def _actual(self) -> bool:
        return self._engine.switches.get_shows == "actual"

    def _list_subscription(self, visit: Visit) -> Answer:
        return self._clusters(visit, self._engine.in_subscription(visit.names["subscription"]))

    def _list_group(self, visit: Visit) -> Answer:
        return self._clusters(visit, self._engine.in_group(visit.names["subscription"], visit.names["group"]))

    def _clusters(self, visit: Visit, clusters: Sequence[Cluster]) -> Answer:
        return self._page(visit, [render.managed_cluster(cluster, actual=self._actual) for cluster in clusters])

    def _get_cluster(self, visit: Visit) -> Answer:
        return Answer(body=render.managed_cluster(self._cluster(visit), actual=self._actual))

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
        return Answer(status=204)

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

    def _abort(self, visit: Visit) -> Answer:
        cluster, pool = self._pool(visit)
        operation = self._engine.abort(cluster, pool)
        headers = {
            "Azure-AsyncOperation": _operation_url(visit, operation, "operations"),
            "Location": _operation_url(visit, operation, "operationresults"),
            "Retry-After": str(RETRY_AFTER_S),
        }
        return Answer(status=202, headers=headers, effective=True)

    # Finding

    def _cluster(self, visit: Visit) -> Cluster:
        return self._engine.cluster(visit.names["subscription"], visit.names["group"], visit.names["cluster"])

    def _pool(self, visit: Visit) -> tuple[Cluster, AgentPool]:
        cluster = self._cluster(visit)
        return cluster, self._engine.pool(cluster, visit.names["pool"])

    def _operation(self, visit: Visit) -> Operation:
        names = visit.names
        return self._engine.operation(names["subscription"], names["location"], names["operation"])

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


class AksWire:
    """ARM and its authority, listening."""

    def __init__(self, arm: Listener, authority: Listener, tls: Tls) -> None:
        """Know both listeners."""
        self._arm = arm
        self._authority = authority
        self._tls = tls

    @property
    def endpoints(self) -> Mapping[str, object]:
        """The key `arm` of the lab's document."""
        return {
            "arm": {"url": self._arm.url, "authority": self._authority.url, "caFile": str(self._tls.ca_file)},
        }

    async def stop(self) -> None:
        """Stop listening."""
        await self._arm.stop()
        await self._authority.stop()


async def start(lab: Lab, engine: AksEngine, tls: Tls) -> AksWire:
    """Listen with ARM and the authority on free ports of 127.0.0.1."""
    arm = web.Application()
    arm.router.add_route("*", "/{path:.*}", ArmHandler(lab, engine).handle)
    context = tls.server_context()
    return AksWire(await listen(arm, context), await listen(login_app(lab, engine.entra), context), tls)


async def _visit(request: web.Request, found: Match) -> Visit:
    """Check version and path and read the body. Raises ArmError."""
    version = request.query.get("api-version")
    if found.operation not in ANY_VERSION:
        if not version:
            raise ArmError(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        if version.lower() not in API_VERSIONS:
            raise ArmError(
                400,
                "InvalidApiVersionParameter",
                f"The api-version '{version}' is invalid. The supported versions are '{','.join(API_VERSIONS)}'.",
            )
    if found.operation is None:
        raise _not_served(request, found)
    body: object = None
    if request.method == "PUT":
        try:
            body = json.loads(await request.text())
        except ValueError as error:
            raise errors.bad_content(f"it is not JSON: {error}") from error
    return Visit(
        names=found.names,
        query=request.query,
        headers=request.headers,
        root=_root(request),
        path=request.rel_url.raw_path,
        body=body,
    )


def _not_served(request: web.Request, found: Match) -> ArmError:
    if found.methods:
        return ArmError(
            405,
            "MethodNotAllowed",
            f"The requested resource does not support http method '{request.method}'.",
            headers={"Allow": ", ".join(sorted(found.methods))},
        )
    return ArmError(
        404, "InvalidResourceType", f"The resource type could not be found for the path '{request.path}' in this lab."
    )


def _arguments(visit: Visit) -> dict[str, object]:
    arguments: dict[str, object] = {}
    if isinstance(visit.body, dict):
        arguments["properties"] = visit.body.get("properties")
    for header, name in (("If-Match", "ifMatch"), ("If-None-Match", "ifNoneMatch")):
        if header in visit.headers:
            arguments[name] = visit.headers[header]
    return arguments


def _standard_headers(request: web.Request) -> dict[str, str]:
    request_id = str(uuid4())
    return {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": request.headers.get("x-ms-correlation-request-id", request_id),
    }


def _root(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _operation_url(visit: Visit, operation: Operation, kind: str) -> str:
    return (
        f"{visit.root}/subscriptions/{operation.subscription}/providers/{render.PROVIDER}"
        f"/locations/{operation.location}/{kind}/{operation.id}?api-version={OPERATION_URL_VERSION}"
    )
