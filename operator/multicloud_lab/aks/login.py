"""The authority's HTTP: OpenID and instance discovery, and the token endpoint in front of `entra`.

Every token request is journalled under its client id; its form is not, because it holds secrets.
"""

from math import ceil

from aiohttp import web

from multicloud_lab.aks.entra import Entra, EntraError
from multicloud_lab.aks.faulted import raw_answer
from multicloud_lab.core.faultkinds import Answer, AuthExpire, Deny, Throttle
from multicloud_lab.core.faults import FaultedError
from multicloud_lab.core.gate import Call, CallDroppedError
from multicloud_lab.core.journal import DROPPED
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import hang_up

TOKEN = "Entra_Token"  # noqa: S105  (an operation's name)
"""The token request's name in the journal and for the gate."""


def login_app(lab: Lab, entra: Entra) -> web.Application:
    """Return the authority's application."""
    login = _Login(lab, entra)
    app = web.Application()
    app.add_routes(
        [
            web.get("/common/discovery/instance", login.instance),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", login.openid),
            web.get("/{tenant}/.well-known/openid-configuration", login.openid),
            web.get("/{tenant}/discovery/v2.0/keys", login.keys),
            web.post("/{tenant}/oauth2/v2.0/token", login.token),
            web.route("*", "/{tenant}/oauth2/v2.0/token", login.only_post),
            web.route("*", "/{path:.*}", login.nothing),
        ]
    )
    return app


class _Login:
    def __init__(self, lab: Lab, entra: Entra) -> None:
        self._lab = lab
        self._entra = entra

    async def instance(self, request: web.Request) -> web.Response:
        asked = request.query.get("authorization_endpoint", "").removeprefix("https://").split("/")
        tenant = asked[1] if len(asked) > 1 else "common"
        return web.json_response(
            {
                "tenant_discovery_endpoint": f"{_root(request)}/{tenant}/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [
                    {"preferred_network": request.host, "preferred_cache": request.host, "aliases": [request.host]}
                ],
            }
        )

    async def openid(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        try:
            self._entra.check_tenant(tenant)
        except EntraError as refused:
            return web.json_response(refused.body(), status=refused.status)
        root = f"{_root(request)}/{tenant}"
        return web.json_response(
            {
                "issuer": f"{root}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code", "id_token", "token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "tenant_region_scope": "EU",
                "cloud_instance_name": request.host,
            }
        )

    async def keys(self, _request: web.Request) -> web.Response:
        # Access tokens are for their resource alone, sealed with a key that only the lab has.
        return web.json_response({"keys": []})

    async def only_post(self, request: web.Request) -> web.Response:
        sentence = f"The endpoint only accepts POST requests. Received a {request.method} request."
        refused = EntraError(400, "invalid_request", 900561, sentence)
        return web.json_response(refused.body(), status=refused.status)

    async def nothing(self, _request: web.Request) -> web.Response:
        # Entra answers a path that it does not know without a word.
        return web.Response(status=404)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        call = Call(
            cloud="azure",
            operation=TOKEN,
            principal=form.get("client_id", ""),
            arguments={
                "grantType": form.get("grant_type", ""),
                "scope": form.get("scope", ""),
                "proof": "client_assertion" if "client_assertion" in form else "client_secret",
            },
        )
        try:
            await self._lab.gate.before(call)
        except CallDroppedError:
            self._lab.record(call, result=DROPPED)
            return hang_up(request)
        except FaultedError as fault:
            self._lab.record(call, result=fault.result)
            return _faulted(fault, call.principal)
        try:
            endpoint = f"{_root(request)}{request.path}"
            body, status, result = self._entra.grant(request.match_info["tenant"], form, endpoint=endpoint), 200, "200"
        except EntraError as refused:
            body, status, result = refused.body(), refused.status, f"AADSTS{refused.number}"
        self._lab.record(call, result=result)
        try:
            await self._lab.gate.after(call)
        except CallDroppedError:
            return hang_up(request)
        except FaultedError as fault:
            return _faulted(fault, call.principal)
        return web.json_response(body, status=status, headers={"Cache-Control": "no-store, no-cache"})


def _faulted(fault: FaultedError, client_id: str) -> web.Response:
    """Return what the token endpoint says under a fault, in Entra's words where it has some."""
    action, headers = fault.action, {}
    match action:
        case Throttle():
            refused = EntraError(429, "temporarily_unavailable", 90055, "Request is throttled. Please try again later.")
            headers = {"Retry-After": str(max(ceil(min(fault.retry_after_s or 1.0, 3600.0)), 1))}
        case AuthExpire():
            sentence = f"The provided client secret keys for app '{client_id}' are expired."
            refused = EntraError(401, "invalid_client", 7000222, sentence)
        case Deny():
            refused = EntraError(401, "unauthorized_client", 7000112, f"Application '{client_id}' is disabled.")
        case Answer(status=status, body=None, content_type=None) if status >= 400:
            refused = EntraError(status, action.code or "server_error", 90033, action.message)
            headers = dict(action.headers)
        case _:
            return raw_answer(fault)
    return web.json_response(refused.body(), status=refused.status, headers=headers)


def _root(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"
