"""Two of Google's APIs on who may do what: impersonation, and which permissions a caller has on a project.

iamcredentials.googleapis.com: POST `/v1/projects/-/serviceAccounts/EMAIL:generateAccessToken`.
cloudresourcemanager.googleapis.com: POST `/v1/projects/ID:testIamPermissions` (and `/v3/…`), which is the one
place where Kubernetes Engine's permissions can be asked for: its own resources have no such method.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from multicloud_lab.core.calls import Call
from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import hang_up
from multicloud_lab.gke.calls import ANONYMOUS, CLOUD, Calls, Outcome
from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.errors import Code, GoogleError, Json, denied, invalid, unreadable
from multicloud_lab.gke.faulted import RawAnswerError, Scope
from multicloud_lab.gke.rest import error_response, raw_response
from multicloud_lab.gke.tokens import LIFETIME_S, Identity

CREDENTIALS_HOST = "iamcredentials.googleapis.com"
PROJECTS_HOST = "cloudresourcemanager.googleapis.com"

_LIFETIME = re.compile(r"(\d+)(\.\d+)?s")
_PERMISSION = re.compile(r"[a-z][a-zA-Z]*(\.[a-zA-Z]+)+")
_MOST_PERMISSIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One call of one of the two APIs: its journal's operation and arguments, what it needs and what it does."""

    host: str
    operation: str
    arguments: Json
    consumer: str
    act: Callable[[str], Json]
    permission: str = ""
    resource: str = ""


class Iam:
    """Both APIs over one engine."""

    def __init__(self, lab: Lab, engine: GkeEngine, identity: Identity, calls: Calls) -> None:
        """Issue the identity's tokens, tell the lab's permissions."""
        self._lab = lab
        self._engine = engine
        self._identity = identity
        self._calls = calls

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of both."""
        return [
            web.post("/v1/projects/{project}/serviceAccounts/{email}:generateAccessToken", self._impersonate),
            web.post("/v1/projects/{project}:testIamPermissions", self._test),
            web.post("/v3/projects/{project}:testIamPermissions", self._test),
        ]

    async def _impersonate(self, request: web.Request) -> web.StreamResponse:
        email = request.match_info["email"]

        def asked(body: Json) -> _Asked:
            return _Asked(
                host=CREDENTIALS_HOST,
                operation="generateAccessToken",
                arguments={"name": f"projects/-/serviceAccounts/{email}", **body},
                consumer=f"projects/{self._lab.seed.gcp.project}",
                act=lambda _principal: self._grant(email, body),
                permission="iam.serviceAccounts.getAccessToken",
                resource=f"projects/-/serviceAccounts/{email}",
            )

        return await self._answer(request, CREDENTIALS_HOST, "generateAccessToken", asked)

    async def _test(self, request: web.Request) -> web.StreamResponse:
        project = request.match_info["project"]

        def asked(body: Json) -> _Asked:
            return _Asked(
                host=PROJECTS_HOST,
                operation="testIamPermissions",
                arguments={"resource": f"projects/{project}", **body},
                consumer=f"projects/{project}",
                act=lambda principal: self._permitted(principal, project, body),
            )

        return await self._answer(request, PROJECTS_HOST, "testIamPermissions", asked)

    def _grant(self, email: str, body: Json) -> Json:
        if not body.get("scope"):
            raise invalid("Request contains an invalid argument: scope must be given.")
        lifetime = _LIFETIME.fullmatch(str(body.get("lifetime", f"{LIFETIME_S}s")))
        seconds = int(lifetime[1]) if lifetime else 0
        if not 0 < seconds <= LIFETIME_S:
            raise invalid(f"Request contains an invalid argument: lifetime must be 1s to {LIFETIME_S}s.")
        if not self._identity.knows(email):
            raise GoogleError(Code.NOT_FOUND, f"Gaia id not found for email {email}")
        grant = self._identity.issue(email, seconds)
        expires = dt.datetime.fromtimestamp(int(grant.expires), dt.UTC)
        return {"accessToken": grant.access_token, "expireTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def _permitted(self, principal: str, project: str, body: Json) -> Json:
        given = body.get("permissions", [])
        wished = [str(each) for each in given] if isinstance(given, list) else []
        if len(wished) > _MOST_PERMISSIONS:
            raise invalid(f"At most {_MOST_PERMISSIONS} permissions can be tested at a time.")
        for permission in wished:
            if _PERMISSION.fullmatch(permission) is None:
                raise invalid(f"Permission {permission} is not valid for this resource.")
        if not self._engine.has_project(project):
            raise denied("resourcemanager.projects.get", f"projects/{project}")
        resource = f"projects/{project}"
        allowed = [each for each in wished if self._lab.permissions.allows(principal, each, resource)]
        return {"permissions": allowed} if allowed else {}

    async def _answer(
        self, request: web.Request, host: str, operation: str, asking: Callable[[Json], _Asked]
    ) -> web.StreamResponse:
        try:
            principal = self._principal(request, host, operation)
            asked = asking(_body(await request.read()))
            call = Call(cloud=CLOUD, operation=operation, principal=principal, arguments=asked.arguments)
            scope = Scope(
                service=host,
                method=operation,
                consumer=asked.consumer,
                permission=asked.permission,
                resource=asked.resource,
            )
            return web.json_response(await self._calls.run(call, partial(_outcome, asked, principal), scope))
        except GoogleError as error:
            return error_response(error)
        except RawAnswerError as error:
            return raw_response(error)
        except CallDroppedError:
            return hang_up(request)

    def _principal(self, request: web.Request, host: str, operation: str) -> str:
        try:
            return self._identity.principal(request.headers.get("Authorization"), host=host, method=operation)
        except GoogleError as error:
            self._calls.refuse(Call(cloud=CLOUD, operation=operation, principal=ANONYMOUS), error.code)
            raise


def _outcome(asked: _Asked, principal: str) -> Outcome[Json]:
    return Outcome(answer=asked.act(principal))


def _body(raw: bytes) -> Json:
    try:
        body: Any = json.loads(raw or b"{}")
    except ValueError as error:
        raise unreadable(f"Invalid JSON payload received. {error}") from None
    if not isinstance(body, dict):
        raise unreadable("Invalid JSON payload received. The body must be an object.")
    return body
