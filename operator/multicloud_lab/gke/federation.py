"""Google's Security Token Service: POST /v1/token exchanges another issuer's token for one of Google's.

A workload identity pool's provider trusts every issuer and subject here; the form of the request, of the subject token
(a JWT) and its expiry are checked, its signature is not. The principal is the pool's, named by the token's subject
(https://cloud.google.com/iam/docs/workload-identity-federation).
"""

import base64
import binascii
import json
import re
from functools import partial

from aiohttp import web

from multicloud_lab.core.calls import Call
from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import hang_up
from multicloud_lab.gke.calls import ANONYMOUS, CLOUD, Calls, Outcome
from multicloud_lab.gke.errors import GoogleError
from multicloud_lab.gke.faulted import RawAnswerError, Scope
from multicloud_lab.gke.rest import raw_response
from multicloud_lab.gke.tokens import Grant, GrantError, Identity

STS_PATH = "/v1/token"
OPERATION = "sts.token"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  (the name of a kind of token)
_PROVIDER = re.compile(
    r"//iam\.googleapis\.com/(projects/\d+/locations/global/workloadIdentityPools/[a-z0-9-]+)/providers/[a-z0-9-]+"
)


class Federation:
    """The endpoint; issues the identity's tokens."""

    def __init__(self, lab: Lab, identity: Identity, calls: Calls) -> None:
        """Issue the identity's tokens."""
        self._lab = lab
        self._identity = identity
        self._calls = calls

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post(STS_PATH, self._token)]

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            grant = self._identity.issue(self._principal(form))
        except GrantError as error:
            self._calls.refuse(Call(cloud=CLOUD, operation=OPERATION, principal=ANONYMOUS), error.error)
            body = {"error": error.error, "error_description": error.description}
            return web.json_response(body, status=400)
        call = Call(cloud=CLOUD, operation=OPERATION, principal=grant.principal)
        scope = Scope(service="sts.googleapis.com", method="token", consumer=grant.principal)
        try:
            await self._calls.run(call, partial(_granting, grant), scope)
        except GoogleError as error:
            body = {"error": "invalid_grant", "error_description": error.message}
            return web.json_response(body, status=error.http_status, headers=error.headers)
        except RawAnswerError as error:
            return raw_response(error)
        except CallDroppedError:
            return hang_up(request)
        return web.json_response(
            {
                "access_token": grant.access_token,
                "issued_token_type": _ACCESS_TOKEN,
                "token_type": "Bearer",
                "expires_in": grant.expires_in_s,
            }
        )

    def _principal(self, form: dict[str, str]) -> str:
        if form.get("grant_type") != _EXCHANGE:
            raise GrantError("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")
        provider = _PROVIDER.fullmatch(form.get("audience", ""))
        if provider is None:
            raise GrantError("invalid_target", 'The target service indicated by the "audience" parameters is invalid.')
        if form.get("subject_token_type") != _JWT:
            raise GrantError("invalid_request", f"Only subject tokens of type {_JWT} are taken here.")
        try:
            part = form.get("subject_token", "").split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            subject, expires_s = str(claims["sub"]), float(claims["exp"])
        except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
            raise GrantError("invalid_grant", "Error connecting to the given credential's issuer.") from None
        if expires_s <= wall_time_s() + self._lab.faults.skew_s(CLOUD):
            raise GrantError("invalid_grant", "ID Token has expired.")
        return f"principal://iam.googleapis.com/{provider[1]}/subject/{subject}"


def _granting(grant: Grant) -> Outcome[Grant]:
    return Outcome(answer=grant)
