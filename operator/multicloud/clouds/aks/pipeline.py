"""The way of a request to ARM: one connection pool an account, no retries, the fence as the last policy.

`pools` takes clients from here, one a subscription. The SDK's own list of policies is not used: its retry policy sends
a PUT again after a lost answer, and another registers resource providers by itself.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, ServiceRequestError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    ContentDecodePolicy,
    CustomHookPolicy,
    HeadersPolicy,
    HTTPPolicy,
    ProxyPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from multicloud.clouds.aks.errors import VENDOR, of_exception
from multicloud.clouds.aks.login import CONNECT_S, Login
from multicloud.clouds.answers import garbled
from multicloud.model.exchange import Exchange, Tap
from multicloud.settings import Endpoint

USER_AGENT = "multicloud-operator"

_READS = frozenset({"GET", "HEAD"})
_READING_POSTS = ("/listclusterusercredential",)
"""Ends of paths in small letters: ARM reads what is secret by POST."""


class RenewalPolicy(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """Begins the login anew when ARM does not take its token: the SDK only asks for it again, and gets the same one."""

    def __init__(self, login: Login) -> None:
        """Renew this login."""
        super().__init__()
        self._login = login

    def on_response(
        self,
        request: PipelineRequest[HttpRequest],  # noqa: ARG002 - the signature is the SDK's
        response: PipelineResponse[HttpRequest, HttpResponse],
    ) -> None:
        """Look at an answer's status."""
        if response.http_response.status_code == 401:
            self._login.begin_anew()


class FencePolicy(HTTPPolicy[HttpRequest, HttpResponse]):
    """Asks `before_send` right before the bytes of a mutation leave, and tells a lost answer from one never asked."""

    def __init__(self, before_send: Callable[[], None]) -> None:
        """`before_send` raises NotSent to keep the request here."""
        super().__init__()
        self._before_send = before_send

    def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, HttpResponse]:
        """Send reads as they are; fence everything else. Raises NotSent, OutcomeUnknown, Unavailable."""
        if _is_read(request.http_request):
            return self.next.send(request)
        self._before_send()
        try:
            return self.next.send(request)
        except AzureError as error:
            raise of_exception(error, "resizing the agent pool", write=not _never_left(error)) from None


class HomePolicy(HTTPPolicy[HttpRequest, HttpResponse]):
    """Keeps tokens at home: a list's `nextLink` is a URL out of an answer, and may name any host."""

    def __init__(self, url: str) -> None:
        """`url` is the endpoint that the administrator named."""
        super().__init__()
        self._url = url

    def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, HttpResponse]:
        """Send what goes to the endpoint. Raises Unavailable for anything else."""
        if not request.http_request.url.startswith(f"{self._url}/"):
            raise garbled("following a link", VENDOR, "named another host than the configured one")
        return self.next.send(request)


class TapPolicy(HTTPPolicy[HttpRequest, HttpResponse]):
    """Tells a tap every request that was answered."""

    def __init__(self, tap: Tap) -> None:
        """`tap` may keep what it is told; it redacts by itself."""
        super().__init__()
        self._tap = tap

    def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, HttpResponse]:
        """Send it on and tell of it."""
        response = self.next.send(request)
        asked, answer = request.http_request, response.http_response
        # Both are the SDK's older types here, whatever the generated client asked for.
        self._tap(
            Exchange(
                service="arm",
                method=asked.method,
                url=asked.url,
                sent=str(getattr(asked, "body", None) or getattr(asked, "content", None) or ""),
                status=answer.status_code,
                headers=dict(answer.headers),
                answer=answer.text(),
            )
        )
        return response


def _is_read(request: HttpRequest) -> bool:
    return request.method in _READS or urlsplit(request.url).path.lower().endswith(_READING_POSTS)


def _never_left(error: AzureError) -> bool:
    """Only a connection that was never made proves that nothing was sent; TLS may also break after the request."""
    return isinstance(error, ServiceRequestError) and isinstance(
        error.inner_exception, NewConnectionError | ConnectTimeoutError
    )


class Arm:
    """Clients of one identity, by subscription, over one pool of connections."""

    def __init__(
        self,
        login: Login,
        endpoint: Endpoint,
        before_send: Callable[[], None],
        *,
        read_timeout_s: float,
        tap: Tap | None = None,
    ) -> None:
        """Make the connection pool; nothing is sent. `tap` is told every request with its answer."""
        self.url = endpoint.url.rstrip("/")
        verify = True if endpoint.ca_file is None else str(endpoint.ca_file)
        self._login = login
        self._before_send = before_send
        self._tap = tap
        self._transport = RequestsTransport(
            connection_timeout=CONNECT_S, read_timeout=read_timeout_s, connection_verify=verify
        )
        self._transport.open()
        self._clients: dict[str, ContainerServiceClient] = {}

    def client(self, subscription: str) -> ContainerServiceClient:
        """The client of a subscription."""
        known = self._clients.get(subscription)
        if known is None:
            known = self._clients[subscription] = self._make(subscription)
        return known

    def _make(self, subscription: str) -> ContainerServiceClient:
        policies = [
            HomePolicy(self.url),
            RequestIdPolicy(),
            HeadersPolicy(),
            UserAgentPolicy(base_user_agent=USER_AGENT),
            ProxyPolicy(),
            ContentDecodePolicy(),
            RenewalPolicy(self._login),
            ARMChallengeAuthenticationPolicy(self._login, self._login.scope),
            CustomHookPolicy(),
            *([] if self._tap is None else [TapPolicy(self._tap)]),
            FencePolicy(self._before_send),
        ]
        return ContainerServiceClient(
            self._login,
            subscription,
            self.url,
            credential_scopes=[self._login.scope],
            policies=policies,
            transport=self._transport,
        )
