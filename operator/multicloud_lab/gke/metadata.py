"""The metadata server that google-auth asks on Google's own machines (GCE_METADATA_HOST), for one account.

Paths and headers: https://cloud.google.com/compute/docs/metadata/querying-metadata. A request without
`Metadata-Flavor: Google` is refused with 403. Workload Identity's metadata server answers the same way.
"""

import json
from collections.abc import Callable

from aiohttp import web

from multicloud_lab.core.calls import Call
from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.core.listen import hang_up
from multicloud_lab.gke.calls import CLOUD, Calls, Outcome
from multicloud_lab.gke.errors import GoogleError
from multicloud_lab.gke.faulted import RawAnswerError, Scope
from multicloud_lab.gke.frontend import forbidden_page, not_found_page
from multicloud_lab.gke.rest import error_response, raw_response
from multicloud_lab.gke.tokens import Identity

ROOT = "/computeMetadata/v1"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

_FLAVOR = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
_HOST = "metadata.google.internal"


class Metadata:
    """The answers for one service account of one project."""

    def __init__(self, identity: Identity, calls: Calls, email: str, project: str) -> None:
        """Issue the account's tokens to whoever asks, as a machine's metadata server does."""
        self._identity = identity
        self._calls = calls
        self._email = email
        self._project = project

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/", self._ping),
            web.get("/computeMetadata/{path:.*}", self._get),
        ]

    async def _ping(self, _request: web.Request) -> web.Response:
        return web.Response(text="computeMetadata/\n", headers={**_FLAVOR, "Content-Type": "application/text"})

    async def _get(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Metadata-Flavor") != "Google":
            return forbidden_page(request, "Missing Metadata-Flavor:Google header.", _FLAVOR)
        path = request.path.removeprefix(ROOT).strip("/")
        account, _, leaf = path.removeprefix("instance/service-accounts/").partition("/")
        known = path.startswith("instance/service-accounts/") and account in {"default", self._email}
        if known and leaf == "token":
            return await self._token(request)
        answers: dict[str, Callable[[], object]] = {
            "project/project-id": lambda: self._project,
            "project/numeric-project-id": lambda: "111122223333",
            "universe/universe-domain": lambda: "googleapis.com",
            "universe/universe_domain": lambda: "googleapis.com",
        }
        if path in answers:
            return _answer(answers[path]())
        if known:
            return self._account(request, leaf, recursive=request.query.get("recursive") == "true")
        return not_found_page(request, _FLAVOR)

    def _account(self, request: web.Request, leaf: str, *, recursive: bool) -> web.Response:
        if leaf == "" and recursive:
            return _answer({"aliases": ["default"], "email": self._email, "scopes": [SCOPE]})
        leaves: dict[str, object] = {
            "": "aliases\nemail\nidentity\nscopes\ntoken\n",
            "email": self._email,
            "scopes": f"{SCOPE}\n",
            "aliases": "default\n",
        }
        if leaf not in leaves:
            return not_found_page(request, _FLAVOR)
        return _answer(leaves[leaf])

    async def _token(self, request: web.Request) -> web.StreamResponse:
        grant = self._identity.issue(self._email)
        call = Call(cloud=CLOUD, operation="metadata.token", principal=self._email)
        scope = Scope(service=_HOST, method="token", consumer=f"projects/{self._project}")
        try:
            await self._calls.run(call, lambda: Outcome(answer=grant), scope)
        except GoogleError as error:
            return error_response(error)
        except RawAnswerError as error:
            return raw_response(error)
        except CallDroppedError:
            return hang_up(request)
        return _answer({"access_token": grant.access_token, "expires_in": grant.expires_in_s, "token_type": "Bearer"})


def _answer(value: object) -> web.Response:
    """Return text as text and everything else as JSON, as the server does."""
    if isinstance(value, str):
        return web.Response(text=value, headers={**_FLAVOR, "Content-Type": "application/text"})
    return web.Response(text=json.dumps(value), headers={**_FLAVOR, "Content-Type": "application/json"})
