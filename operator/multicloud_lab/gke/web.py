"""Compute and the OAuth token endpoint over HTTP.

Compute: GET `/compute/v1/projects/P/aggregated/instanceGroupManagers` and `…/zones/Z/instanceGroupManagers/N`.
OAuth: POST `/token` with an assertion. Errors have Google's JSON envelopes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from aiohttp import web

from multicloud_lab.core.calls import Call
from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import hang_up
from multicloud_lab.gke.calls import ANONYMOUS, CLOUD, Calls, Outcome
from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.errors import Code, GoogleError, unimplemented
from multicloud_lab.gke.faulted import RawAnswerError, Scope
from multicloud_lab.gke.groups import Json, aggregated_json, find_group, group_json
from multicloud_lab.gke.rest import raw_response
from multicloud_lab.gke.state import Group
from multicloud_lab.gke.tokens import Grant, GrantError, Identity

HOST = "compute.googleapis.com"
TOKEN_PATH = "/token"  # noqa: S105  (a path, not a secret)

_CANNOT_FILTER = frozenset({"filter", "orderBy"})
"""Parameters that change which groups an answer holds: refused, because ignoring them would answer wrongly."""

_PERMISSIONS: Mapping[str, str] = {
    "instanceGroupManagers.aggregatedList": "compute.instanceGroupManagers.list",
    "instanceGroupManagers.get": "compute.instanceGroupManagers.get",
}
"""What a caller needs, by method."""
_REASONS: Mapping[str, str] = {
    "PERMISSION_DENIED": "forbidden",
    "RESOURCE_EXHAUSTED": "rateLimitExceeded",
    "UNIMPLEMENTED": "notImplemented",
    "UNAVAILABLE": "backendError",
    "INTERNAL": "internalError",
}
"""Compute's own reasons (the first `errors` item), by canonical code; otherwise the error's."""
_OAUTH: Mapping[str, str] = {
    "UNAUTHENTICATED": "invalid_grant",
    "PERMISSION_DENIED": "access_denied",
    "RESOURCE_EXHAUSTED": "rate_limit_exceeded",
    "UNAVAILABLE": "temporarily_unavailable",
}
"""OAuth's error of a faulted login, by canonical code."""

Read = Callable[[], Json]


class Compute:
    """The part of compute/v1 by which the sizes of node pools are read."""

    def __init__(self, lab: Lab, engine: GkeEngine, identity: Identity, calls: Calls) -> None:
        """Serve the engine's groups to the principals that `identity` knows."""
        self._lab = lab
        self._engine = engine
        self._identity = identity
        self._calls = calls

    def routes(self) -> list[web.RouteDef]:
        """Return the routes; the last takes every other path that may be one of Compute's."""
        project = "/compute/v1/projects/{project}"
        return [
            web.get(f"{project}/aggregated/instanceGroupManagers", self._aggregated),
            web.get(f"{project}/zones/{{zone}}/instanceGroupManagers/{{name}}", self._get),
            web.route("*", f"{project}{{path:(/.*)?}}", self._other),
        ]

    async def _aggregated(self, request: web.Request) -> web.StreamResponse:
        project = request.match_info["project"]
        query = dict(request.query)

        def read() -> Json:
            if unknown := sorted(_CANNOT_FILTER & query.keys()):
                raise unimplemented(f"the parameter {unknown[0]}: list without it and choose from the answer")
            return aggregated_json(self._groups(project), project, query, surge=self._engine.switches.surge_in_groups)

        return await self._answer(request, "instanceGroupManagers.aggregatedList", read)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        match = request.match_info

        def read() -> Json:
            group = find_group(self._groups(match["project"]), match["project"], match["zone"], match["name"])
            return group_json(group, surge=self._engine.switches.surge_in_groups)

        return await self._answer(request, "instanceGroupManagers.get", read)

    async def _other(self, request: web.Request) -> web.StreamResponse:
        def read() -> Json:
            raise unimplemented(f"{request.method} {request.path}")

        return await self._answer(request, f"{request.method} {request.path}", read)

    def _groups(self, project: str) -> list[Group]:
        if not self._engine.has_project(project):
            message = f"The resource 'projects/{project}' was not found"
            raise GoogleError(Code.NOT_FOUND, message, reason="notFound", domain="global")
        return self._engine.groups(project)

    async def _answer(self, request: web.Request, operation: str, read: Read) -> web.StreamResponse:
        try:
            principal = self._identity.principal(
                request.headers.get("Authorization"),
                host=HOST,
                method=f"compute.v1.{operation}",
            )
        except GoogleError as error:
            self._calls.refuse(Call(cloud=CLOUD, operation=operation, principal=ANONYMOUS), error.code)
            return _unauthenticated(error)
        call = Call(
            cloud=CLOUD,
            operation=operation,
            principal=principal,
            arguments={**request.match_info, **request.query},
        )
        project = request.match_info.get("project", "")
        scope = Scope(
            service=HOST,
            method=f"compute.v1.{operation}",
            consumer=f"projects/{project}",
            permission=_PERMISSIONS.get(operation, ""),
            resource=f"projects/{project}",
        )
        try:
            answer = await self._calls.run(
                call, partial(self._reading, call, request.path_qs, read), scope, pace=(project, "compute")
            )
            return web.json_response(answer)
        except GoogleError as error:
            return _error(error)
        except RawAnswerError as error:
            return raw_response(error)
        except CallDroppedError:
            return hang_up(request)

    def _reading(self, call: Call, path: str, read: Read) -> Outcome[Json]:
        return Outcome(answer=self._lab.faults.stale(call, path, read))


class TokenEndpoint:
    """Google's OAuth token endpoint, for service accounts."""

    def __init__(self, identity: Identity, calls: Calls) -> None:
        """Issue the identity's tokens."""
        self._identity = identity
        self._calls = calls

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post(TOKEN_PATH, self._token)]

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        token_uri = f"{request.scheme}://{request.host}{request.path}"
        try:
            grant = self._identity.exchange(
                str(form.get("grant_type", "")),
                str(form.get("assertion", "")),
                token_uri=token_uri,
            )
        except GrantError as error:
            self._calls.refuse(Call(cloud=CLOUD, operation="token", principal=ANONYMOUS), error.error)
            body = {"error": error.error, "error_description": error.description}
            return web.json_response(body, status=400)
        call = Call(cloud=CLOUD, operation="token", principal=grant.principal)
        scope = Scope(service="oauth2.googleapis.com", method="token", consumer=grant.principal)
        try:
            await self._calls.run(call, partial(_granting, grant), scope)
        except GoogleError as error:
            body = {"error": _OAUTH.get(error.code, "internal_failure"), "error_description": error.message}
            return web.json_response(body, status=error.http_status, headers=error.headers)
        except RawAnswerError as error:
            return raw_response(error)
        except CallDroppedError:
            return hang_up(request)
        return web.json_response(
            {"access_token": grant.access_token, "expires_in": grant.expires_in_s, "token_type": "Bearer"}
        )


def _granting(grant: Grant) -> Outcome[Grant]:
    return Outcome(answer=grant)


def _unauthenticated(error: GoogleError) -> web.Response:
    missing = error.reason == "CREDENTIALS_MISSING"
    item = {
        "message": "Login Required." if missing else "Invalid Credentials",
        "domain": "global",
        "reason": "required" if missing else "authError",
        "location": "Authorization",
        "locationType": "header",
    }
    details = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.reason,
        "domain": error.domain,
        "metadata": error.metadata,
    }
    challenge = 'Bearer realm="https://accounts.google.com/"' + ("" if missing else ', error="invalid_token"')
    return _envelope(error, item, [details], {"WWW-Authenticate": challenge}, message=error.message)


def _error(error: GoogleError) -> web.Response:
    if error.code == "UNAUTHENTICATED":
        return _unauthenticated(error)
    reason = _REASONS.get(error.code) or error.reason or "badRequest"
    domain = "usageLimits" if error.code == "RESOURCE_EXHAUSTED" else "global"
    message = error.message
    if error.reason == "IAM_PERMISSION_DENIED":
        permission, resource = error.metadata["permission"], error.metadata["resource"]
        message = f"Required '{permission}' permission for '{resource}'"
    details = error.details if error.code in {"RESOURCE_EXHAUSTED", "UNIMPLEMENTED"} else []
    return _envelope(error, {"message": message, "domain": domain, "reason": reason}, details, error.headers)


def _envelope(
    error: GoogleError,
    item: Mapping[str, object],
    details: Sequence[Mapping[str, object]],
    headers: Mapping[str, str],
    message: str | None = None,
) -> web.Response:
    body: Json = {
        "code": error.http_status,
        "message": item["message"] if message is None else message,
        "errors": [item],
        "status": error.code,
    }
    if details:
        body["details"] = list(details)
    return web.json_response({"error": body}, status=error.http_status, headers=headers)
