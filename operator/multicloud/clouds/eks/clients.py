"""AWS's APIs by region, each call typed; the fence stands in botocore's last hook before a mutation's bytes leave.

`pools` and `door` call; nothing is retried by the SDK, because a retried write that succeeded the first time answers
with a conflict, and a retried read would hide how long it took. The lane decides what is tried again.
"""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from multicloud.clouds.eks.errors import of_exception
from multicloud.clouds.eks.login import Login, is_date_refused, is_expired
from multicloud.model.error import CloudError, NotSent, Unavailable, refused
from multicloud.model.exchange import Exchange, Tap
from multicloud.model.reason import Code, Reason
from multicloud.model.version import USER_AGENT
from multicloud.settings import AwsEndpoints, Endpoint

CONNECT_S: Final = 3.0
"""How long a connection may take, in seconds."""

_SIGNING: Final = "sts, signing"

GARBAGE = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OSError,
    RuntimeError,
)
"""What boto3 raises for errors, for token files and new credentials that are none, and for answers that are not what
they should be."""


class Clients:
    """One identity's clients, made at their first use, and made anew after AWS refused their session. Threads share them."""

    def __init__(
        self,
        login: Login,
        endpoints: AwsEndpoints,
        before_send: Callable[[], None],
        config: Config,
        tap: Tap | None = None,
    ) -> None:
        """`before_send` raises NotSent to keep a mutation here; `tap` is told every request and answer."""
        self._login = login
        self._session: Any = None
        self._endpoints: Mapping[str, Endpoint | None] = {
            "eks": endpoints.eks,
            "autoscaling": endpoints.autoscaling,
            "sts": endpoints.sts,
        }
        self._before_send = before_send
        self._tap = tap
        self._config = config
        self._made: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()
        self._call = threading.local()

    def read(self, service: str, region: str | None, operation: str, what: str, **arguments: Any) -> Mapping[str, Any]:
        """Ask AWS. `operation` as boto3 spells it, `what` says it for people. No region: the login's own.

        Raises CloudError.
        """
        try:
            answer: Mapping[str, Any] = getattr(self._client(service, region), operation)(**arguments)
        except GARBAGE as error:
            raise self._typed(error, what, write=False) from None
        return answer

    def signing_sts(self, region: str) -> Any:
        """A client of AWS's own STS in the region, whatever the settings say: for URLs that we sign and never send."""
        with self._making:
            known = self._made.get((_SIGNING, region))
            if known is None:
                config = self._config.merge(Config(ignore_configured_endpoint_urls=True))
                known = self._present().client("sts", region_name=region, config=config)
                self._made[_SIGNING, region] = known
            return known

    def write(self, service: str, region: str, operation: str, what: str, **arguments: Any) -> Mapping[str, Any]:
        """Change something, fenced. Raises CloudError; OutcomeUnknown only if bytes may have left."""
        self._call.left = False
        try:
            answer: Mapping[str, Any] = getattr(self._client(service, region), operation)(**arguments)
        except NotSent:
            raise
        except GARBAGE as error:
            # Credentials are fetched while signing: what fails there has sent nothing of the write.
            raise self._typed(error, what, write=self._call.left) from None
        return answer

    def try_update(self, region: str, cluster: str, nobody: str, what: str) -> None:
        """Ask for a change of the node group `nobody`, a name that does not exist. Raises CloudError, as a read does.

        The fence is not asked, because nothing can change; so nothing but this very name is let out. If the name did
        exist, the change would be none: a label goes that nobody has.
        """
        self._call.nobody = f"/node-groups/{nobody}/update-config"
        labels = {"removeLabels": ["multicloud.dev/not-there"]}
        self.read(
            "eks", region, "update_nodegroup_config", what, clusterName=cluster, nodegroupName=nobody, labels=labels
        )

    def _typed(self, error: Exception, what: str, *, write: bool) -> CloudError:
        """Type an error; where the session is at fault, the next call begins with another one."""
        if is_date_refused(error):
            return refused(
                Code.CLOCK_SKEWED,
                f"{what}: AWS does not accept the date of the request: the clock of the operator's machine is off by more "
                "than five minutes; set it",
            )
        if isinstance(error, OSError) and not isinstance(error, BotoCoreError):
            text = f"{what}: the token file of the operator's own AWS identity cannot be read ({type(error).__name__})"
            return refused(Code.AUTH_FAILED, text)
        typed = of_exception(error, what, write=write)
        if typed.reason.code is not Code.AUTH_FAILED or not isinstance(error, ClientError):
            return typed
        if self._login.renews(error):
            self._drop()
            if is_expired(error):
                text = f"{what}: AWS ended the session before its time; the next call opens another one"
                return Unavailable(Reason(code=Code.TOKEN_EXPIRED, text=text))
        return typed

    def _drop(self) -> None:
        """Forget the session that this thread's call was signed with."""
        with self._making:
            if self._session is self._call.session:  # else another thread was faster
                self._session = None
                self._made.clear()

    def _client(self, service: str, region: str | None) -> Any:
        with self._making:  # sessions are not made for making clients on several threads
            self._call.session = self._present()
            where = region or self._login.home(self._call.session.region_name)
            known = self._made.get((service, where))
            if known is None:
                known = self._made[service, where] = self._make(service, where)
            return known

    def _present(self) -> Any:
        """The session of now. The caller holds the lock."""
        if self._session is None:
            self._session = self._login.session()
        return self._session

    def _make(self, service: str, region: str) -> Any:
        endpoint = self._endpoints[service]
        client = self._session.client(
            service,
            region_name=region,
            endpoint_url=None if endpoint is None else endpoint.url,
            verify=_authority(None if endpoint is None else endpoint.ca_file),
            config=self._config,
        )
        # The only mutation of this cloud. Registered on the client: a session's events would be shared by all.
        client.meta.events.register("before-send.eks.UpdateNodegroupConfig", self._let_out)
        if self._tap is not None:
            client.meta.events.register("before-send", self._note)
            client.meta.events.register("response-received", partial(self._tell, service, self._tap))
        return client

    def _note(self, request: Any, **_: Any) -> None:
        self._call.request = request

    def _tell(self, service: str, tap: Tap, response_dict: Mapping[str, Any] | None, **_: Any) -> None:
        """Hand an answer with its request to the tap; both come on the thread of the call."""
        if response_dict is not None:
            request = self._call.request
            exchange = Exchange(
                service=service,
                method=str(request.method),
                url=str(request.url),
                sent=_text(request.body),
                status=int(response_dict["status_code"]),
                headers=dict(response_dict["headers"]),
                answer=_text(response_dict["body"]),
            )
            tap(exchange)

    def _let_out(self, request: Any, **_: Any) -> None:
        nobody: str | None = getattr(self._call, "nobody", None)
        if nobody is not None and urlsplit(request.url).path.endswith(nobody):
            return
        self._before_send()
        self._call.left = True


def _text(body: object) -> str:
    """A body as text; a stream, which no call here has, is none."""
    return body.decode(errors="replace") if isinstance(body, bytes) else body if isinstance(body, str) else ""


def make_config(*, read_timeout_s: float) -> Config:
    """What holds for every request: time-outs, no retries."""
    return Config(
        connect_timeout=CONNECT_S,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": 1},
        user_agent_extra=USER_AGENT,
    )


def _authority(ca_file: Path | None) -> str | None:
    return None if ca_file is None else str(ca_file)
