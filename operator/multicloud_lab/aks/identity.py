"""Tokens for managed identities: the machine's metadata endpoint (IMDS) and App Service's IDENTITY_ENDPOINT, over http.

The identity is the seed's first application unless the request names another one by client_id. Forms and errors:
learn.microsoft.com, "How to use managed identities for Azure resources on an Azure VM to acquire an access token",
and App Service's REST endpoint reference.
"""

from collections.abc import Mapping

from aiohttp import web

from multicloud_lab.aks.entra import LIFETIME_S, Entra, EntraError
from multicloud_lab.aks.faulted import raw_answer
from multicloud_lab.core.calls import Call
from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.faultkinds import Answer, Garbage, Throttle
from multicloud_lab.core.faults import FaultedError
from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.core.journal import DROPPED
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import hang_up

TOKEN = "ManagedIdentity_Token"  # noqa: S105  (an operation's name)
"""The token request's name in the journal and for the gate."""

IDENTITY_HEADER = "lab-identity-header"
"""What IDENTITY_HEADER is set to for clients of `/msi/token`."""

_IMDS_VERSIONS = frozenset({"2018-02-01", "2019-11-01", "2021-02-01"})


def identity_app(lab: Lab, entra: Entra) -> web.Application:
    """Return the application of both endpoints."""
    identity = _Identity(lab, entra)
    app = web.Application()
    app.add_routes(
        [
            web.get("/metadata/identity/oauth2/token", identity.imds),
            web.get("/msi/token", identity.app_service),
            web.route("*", "/metadata/identity/oauth2/token", _only_get),
            web.route("*", "/msi/token", _only_get),
            web.route("*", "/{path:.*}", _nothing),
        ]
    )
    return app


class _Identity:
    def __init__(self, lab: Lab, entra: Entra) -> None:
        self._lab = lab
        self._entra = entra

    async def imds(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Metadata", "").lower() != "true":
            return _refusal(400, "bad_request_102", "Required metadata header not specified")
        if request.query.get("api-version") not in _IMDS_VERSIONS:
            return _refusal(400, "bad_request_103", "api-version must be one of " + ", ".join(sorted(_IMDS_VERSIONS)))
        return await self._token(request)

    async def app_service(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("X-IDENTITY-HEADER") != IDENTITY_HEADER:
            body = {"statusCode": 401, "message": "The X-IDENTITY-HEADER is missing or is not this machine's."}
            return web.json_response(body, status=401)
        return await self._token(request)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        resource, client_id = request.query.get("resource", ""), request.query.get("client_id")
        call = Call(
            cloud="azure",
            operation=TOKEN,
            principal=client_id or "",
            arguments={"resource": resource, "endpoint": request.path},
        )
        try:
            await self._lab.gate.before(call)
        except (CallDroppedError, FaultedError) as stopped:
            self._lab.record(call, result=DROPPED if isinstance(stopped, CallDroppedError) else stopped.result)
            return _stopped(request, stopped)
        if not resource:
            self._lab.record(call, result="invalid_resource")
            return _refusal(400, "invalid_resource", "AADSTS50001: The application named was not found in the tenant.")
        try:
            principal, token = self._entra.managed(resource, client_id)
        except EntraError as refused:
            self._lab.record(call, result=refused.error)
            return _refusal(400, refused.error, "Identity not found")
        self._lab.record(call)
        try:
            await self._lab.gate.after(call)
        except (CallDroppedError, FaultedError) as stopped:
            return _stopped(request, stopped)
        now_s = int(wall_time_s())
        # Numbers are written as texts here, unlike at the authority.
        body = {
            "access_token": token,
            "client_id": principal.client_id,
            "expires_in": str(LIFETIME_S),
            "expires_on": str(now_s + LIFETIME_S),
            "ext_expires_in": str(LIFETIME_S),
            "not_before": str(now_s),
            "resource": resource,
            "token_type": "Bearer",
        }
        return web.json_response(body)


def _stopped(request: web.Request, stopped: CallDroppedError | FaultedError) -> web.Response:
    if isinstance(stopped, CallDroppedError):
        return hang_up(request)
    match stopped.action:
        case Throttle():
            return _refusal(429, "throttled", "Too many requests", {"Retry-After": "5"})
        case Answer(status=status, body=None, content_type=None) as action if status >= 400:
            return _refusal(status, action.code or "server_error", action.message, action.headers)
        case Answer() | Garbage():
            return raw_answer(stopped)
    return _refusal(400, "invalid_request", "Identity not found")


async def _only_get(_request: web.Request) -> web.Response:
    return web.json_response({"error": "Method not allowed"}, status=405, headers={"Allow": "GET"})


async def _nothing(_request: web.Request) -> web.Response:
    return web.json_response({"error": "Not found"}, status=404)


def _refusal(status: int, error: str, sentence: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(
        {"error": error, "error_description": sentence}, status=status, headers=dict(headers or {})
    )
