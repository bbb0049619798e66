"""ARM over https and http: requests in, the engine's answers out, with ARM's headers, versions and envelopes.

A request is routed, authenticated and checked, passes the gate, is counted, asked for its permission, committed by a
synchronous handler, journalled, passes the gate again and is answered. Listeners of their own serve the Entra
authority and the managed identity's endpoints.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

from aiohttp import web

from multicloud_lab.aks import errors, roles
from multicloud_lab.aks.engine import AksEngine
from multicloud_lab.aks.entra import ARM_AUDIENCES
from multicloud_lab.aks.errors import ArmError
from multicloud_lab.aks.faulted import arm_answer
from multicloud_lab.aks.handlers import Answer, Handlers, Visit
from multicloud_lab.aks.identity import identity_app
from multicloud_lab.aks.login import login_app
from multicloud_lab.aks.routes import ANY_VERSION, WRITES, Match, match
from multicloud_lab.core.calls import Call
from multicloud_lab.core.faults import FaultedError
from multicloud_lab.core.gate import CallDroppedError
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

PERMISSION_VERSIONS = ("2015-07-01", "2018-07-01", "2022-04-01")
"""The api-versions of ARM's permissions list."""


class ArmHandler:
    """Every request to ARM."""

    def __init__(self, lab: Lab, engine: AksEngine) -> None:
        """Serve the engine's state."""
        self._lab = lab
        self._engine = engine
        self._handlers = Handlers(engine)

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
            body = await _checked_body(request, found)
            call = replace(call, arguments=_arguments(request, found, body))
            await self._lab.gate.before(call)
            headers |= self._engine.limits.count(request.method, call.operation, found.names, call.principal)
            action = roles.action_of(call.operation, self._engine.switches)
            roles.check_allowed(self._lab.permissions, call.principal, action, found.names)
            answer = self._commit(request, found, call, body)
        except (CallDroppedError, FaultedError, ArmError) as stopped:
            result, response = self._stopped(request, found, call, stopped, headers)
            self._lab.record(call, result=result)
            return response
        self._lab.record(call, effective=answer.effective, from_=answer.from_, to=answer.to)
        try:
            await self._lab.gate.after(call)
        except (CallDroppedError, FaultedError) as stopped:
            return self._stopped(request, found, call, stopped, headers)[1]
        headers |= answer.headers
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        return web.json_response(answer.body, status=answer.status, headers=headers)

    def _commit(self, request: web.Request, found: Match, call: Call, body: object) -> Answer:
        visit = Visit(
            names=found.names,
            query=request.query,
            headers=request.headers,
            root=_root(request),
            path=request.rel_url.raw_path,
            call=call,
            body=body,
        )
        if found.operation in WRITES:
            return self._handlers.answer(visit)
        return self._lab.faults.stale(call, request.path_qs, lambda: self._handlers.answer(visit))

    def _stopped(
        self,
        request: web.Request,
        found: Match,
        call: Call,
        stopped: CallDroppedError | FaultedError | ArmError,
        headers: Mapping[str, str],
    ) -> tuple[str, web.StreamResponse]:
        """Return what the journal and the client are told of a call that was not answered by its handler."""
        if isinstance(stopped, CallDroppedError):
            return DROPPED, hang_up(request)
        if isinstance(stopped, ArmError):
            return stopped.code, _refusal(stopped, headers)

        def denied() -> ArmError:
            action = roles.action_of(call.operation, self._engine.switches)
            return errors.not_authorized(call.principal, action, roles.scope_of(found.names))

        def throttled(wait_s: float) -> ArmError:
            return self._engine.limits.refusal(request.method, found.names, wait_s)

        answer = arm_answer(stopped, throttled, denied)
        if isinstance(answer, ArmError):
            return answer.code, _refusal(answer, headers)
        return stopped.result, answer

    def _principal(self, request: web.Request) -> str:
        audiences = ARM_AUDIENCES | {_root(request)}
        skew_s = self._lab.faults.skew_s("azure")
        return self._engine.entra.principal(request.headers.get("Authorization"), audiences, skew_s)

    def _cluster_name(self, found: Match) -> str | None:
        asked = found.names.get("cluster")
        known = (cluster.name for cluster in self._engine.clusters if cluster.name.lower() == (asked or "").lower())
        return next(known, asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class AksWire:
    """ARM, its authority and the managed identity's endpoints, listening."""

    arm: Listener
    plain: Listener
    authority: Listener
    identity: Listener
    tls: Tls

    @property
    def endpoints(self) -> Mapping[str, object]:
        """The key `arm` of the lab's document.

        `http` is the same ARM for clients with `enforce_https=False`; `metadata` what AZURE_POD_IDENTITY_AUTHORITY_HOST
        is set to, and with `/msi/token` behind it IDENTITY_ENDPOINT.
        """
        return {
            "arm": {
                "url": self.arm.url,
                "authority": self.authority.url,
                "caFile": str(self.tls.ca_file),
                "http": self.plain.url,
                "metadata": self.identity.url,
            },
        }

    async def stop(self) -> None:
        """Stop listening."""
        for listener in (self.arm, self.plain, self.authority, self.identity):
            await listener.stop()


async def start(lab: Lab, engine: AksEngine, tls: Tls) -> AksWire:
    """Listen with ARM, the authority and the managed identity's endpoints on free ports of 127.0.0.1."""
    context = tls.server_context()
    return AksWire(
        arm=await listen(_arm(lab, engine), context),
        plain=await listen(_arm(lab, engine)),
        authority=await listen(login_app(lab, engine.entra), context),
        identity=await listen(identity_app(lab, engine.entra)),
        tls=tls,
    )


def _arm(lab: Lab, engine: AksEngine) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", ArmHandler(lab, engine).handle)
    return app


async def _checked_body(request: web.Request, found: Match) -> object:
    """Check version and path and read the body. Raises ArmError."""
    version = request.query.get("api-version")
    if found.operation not in ANY_VERSION:
        _check_version(version, found)
    if found.operation is None:
        raise _not_served(request, found)
    if found.operation not in {"AgentPools_CreateOrUpdate", "AgentPools_DeleteMachines"}:
        return None
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise errors.bad_content(f"it is not JSON: {error}") from error


def _check_version(version: str | None, found: Match) -> None:
    if not version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    permissions = found.operation is not None and found.operation.startswith("Permissions")
    supported = PERMISSION_VERSIONS if permissions else API_VERSIONS
    if version.lower() not in supported:
        raise ArmError(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{version}' is invalid. The supported versions are '{','.join(supported)}'.",
        )


def _not_served(request: web.Request, found: Match) -> ArmError:
    if found.methods:
        return ArmError(
            405,
            "MethodNotAllowed",
            f"The requested resource does not support http method '{request.method}'.",
            headers={"Allow": ", ".join(sorted(found.methods))},
        )
    return errors.unknown_type(request.path, request.query.get("api-version", ""), API_VERSIONS)


def _arguments(request: web.Request, found: Match, body: object) -> dict[str, object]:
    arguments: dict[str, object] = {}
    if found.operation in WRITES:
        arguments["subscriptionId"] = found.names["subscription"]
        arguments["resourceGroupName"] = found.names["group"]
    if isinstance(body, dict):
        arguments |= {name: body[name] for name in ("properties", "machineNames") if name in body}
    for header, name in (("If-Match", "ifMatch"), ("If-None-Match", "ifNoneMatch")):
        if header in request.headers:
            arguments[name] = request.headers[header]
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


def _refusal(refused: ArmError, headers: Mapping[str, str]) -> web.Response:
    return web.json_response(refused.body(), status=refused.status, headers={**headers, **refused.headers})


def _root(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"
