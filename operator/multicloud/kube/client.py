"""One connection to an API server: every request has a time-out, every failure a type. Used by this room's siblings."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from multicloud.model.version import USER_AGENT

APPLY = "application/apply-patch+yaml"
JSON = "application/json"
MERGE = "application/merge-patch+json"
PAGE = 500

_TOKEN_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class KubeError(Exception):
    """The API server refused, or could not be reached (`status` 0). `words` is its own message."""

    def __init__(self, status: int, words: str) -> None:
        """Keep the HTTP status and the server's message; neither holds a secret's content."""
        super().__init__(f"{status or 'no answer'}: {words}")
        self.status = status
        self.words = words

    @property
    def gone(self) -> bool:
        """404: the object (or its kind) does not exist."""
        return self.status == 404

    @property
    def conflict(self) -> bool:
        """409: somebody wrote first, or the uid is another one's."""
        return self.status == 409

    @property
    def denied(self) -> bool:
        """401 or 403: RBAC or credentials."""
        return self.status in (401, 403)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach the API server, for kopf's own client. `token` is kept out of the repr."""

    server: str
    ca_file: str | None
    cert_file: str | None
    key_file: str | None
    token: str | None = field(repr=False)
    insecure: bool


class KubeClient:
    """A small typed face of the generated client. Close it with `async with` or `close`."""

    def __init__(self, api: ApiClient, *, timeout_s: float = 10, token_file: Path | None = None) -> None:
        """Take a configured ApiClient; `timeout_s` bounds each request unless the call says otherwise.

        `token_file` is where the pod's own token is renewed.
        """
        self._token_file = token_file
        self._api = api
        self._timeout_s = timeout_s
        api.user_agent = USER_AGENT

    @classmethod
    async def connect(cls, kubeconfig: Path | None, context: str | None) -> Self:
        """Read the kubeconfig (or the pod's service account where there is none). Raises KubeError."""
        configuration = Configuration()
        in_cluster = kubeconfig is None and context is None and _in_cluster()
        try:
            if in_cluster:
                load_incluster_config(client_configuration=configuration)
            else:
                await load_kube_config(
                    config_file=str(kubeconfig) if kubeconfig else None,
                    context=context,
                    client_configuration=configuration,
                )
        except (ConfigException, OSError) as error:
            raise KubeError(0, f"no usable kubeconfig: {error}; pass --kubeconfig or set KUBECONFIG") from error
        return cls(ApiClient(configuration), token_file=_TOKEN_FILE if in_cluster else None)

    @property
    def server(self) -> str:
        """Base URL of the API server."""
        return str(self._api.configuration.host)

    def connection(self) -> Connection:
        """What kopf needs to log in. Reads the service account's token anew: it expires within the hour."""
        configuration = self._api.configuration
        key = configuration.api_key.get("BearerToken") or ""
        token = self._token_file.read_text().strip() if self._token_file else key.removeprefix("Bearer ")
        return Connection(
            server=self.server,
            ca_file=configuration.ssl_ca_cert,
            cert_file=configuration.cert_file,
            key_file=configuration.key_file,
            token=token or None,
            insecure=not configuration.verify_ssl,
        )

    async def __aenter__(self) -> Self:
        """Nothing to open: connections are made by requests."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        timeout_s: float | None = None,
    ) -> Mapping[str, Any]:
        """Send one request, return the decoded answer. Raises KubeError for anything but 2xx."""
        timeout = aiohttp.ClientTimeout(total=timeout_s or self._timeout_s)
        answer = await self._send(method, path, query=query, body=body, content_type=content_type, timeout=timeout)
        try:
            data: bytes = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeError(0, f"{type(error).__name__} from {self.server}") from error
        return _decoded(answer.status, data)

    def carry(self, token: str) -> None:
        """Send this bearer token from now on."""
        self._api.configuration.api_key["BearerToken"] = f"Bearer {token}"

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        timeout: aiohttp.ClientTimeout,
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
    ) -> Any:
        """Send one request; returns the 2xx answer, its body unread. Raises KubeError."""
        try:
            method, url, headers, sent, _ = await self._api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": JSON, "Content-Type": content_type},
                body=dict(body) if body is not None else None,
                auth_settings=["BearerToken"],
            )
            answer = await self._api.call_api(method, url, headers, sent, _request_timeout=timeout)
            if not 200 <= answer.status < 300:
                raise KubeError(answer.status, _message(await answer.read()))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeError(0, f"{type(error).__name__} from {self.server}") from error
        return answer

    async def list_pages(self, path: str) -> Sequence[Mapping[str, Any]]:
        """Read a whole collection, 500 objects a request, consistent over pages. Raises KubeError."""
        while True:
            try:
                return [item async for page in self.pages(path) for item in page.get("items") or ()]
            except KubeError as error:
                if error.status != 410:  # 410: the snapshot behind the token expired; start over
                    raise

    async def pages(self, path: str, query: Mapping[str, str] | None = None) -> AsyncGenerator[Mapping[str, Any]]:
        """The pages of a collection, 500 objects each unless `query` has a limit, all of one moment. Raises KubeError; 410 if that is too long ago."""
        wished = {"limit": str(PAGE), **(query or {})}
        while True:
            page = await self.call("GET", path, query=wished, timeout_s=30)
            yield page
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            wished["continue"] = token

    async def watch(
        self, path: str, query: Mapping[str, str], *, silence_s: float
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """The events of a watch until the server ends it. Raises KubeError, also when nothing is heard for so long."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout_s, sock_read=silence_s)
        wished = {**query, "watch": "true", "allowWatchBookmarks": "true"}
        answer = await self._send("GET", path, query=wished, timeout=timeout)
        try:
            while line := await answer.response.content.readline():
                event = _decoded(answer.status, line)
                if event.get("type") == "ERROR":
                    told = event.get("object") or {}
                    raise KubeError(int(told.get("code") or 500), str(told.get("message", "no message")))
                yield event
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:  # ValueError: a line without end
            raise KubeError(0, f"{type(error).__name__} from {self.server}") from error
        finally:
            answer.response.close()


def _in_cluster() -> bool:
    return _TOKEN_FILE.exists()


def _decoded(status: int, data: bytes) -> Mapping[str, Any]:
    try:
        decoded = json.loads(data) if data else {}
    except ValueError:  # a proxy's login page, most likely
        raise KubeError(status, "an answer that is not JSON") from None
    if not isinstance(decoded, dict):
        raise KubeError(status, "an answer that is no object")
    return decoded


def _message(data: bytes) -> str:
    try:
        decoded = json.loads(data)
    except ValueError:
        return "an answer that is not JSON"
    return str(decoded.get("message", "no message")) if isinstance(decoded, dict) else "an answer that is no Status"
