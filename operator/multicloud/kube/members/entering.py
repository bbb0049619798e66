"""Makes a connection to a member cluster of a credential: one authority, no redirects, a time-out on everything."""

import re
import tempfile
from pathlib import Path
from typing import Any, Final

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration

from multicloud.kube.client import KubeClient, KubeError
from multicloud.model.error import refused
from multicloud.model.member import ClusterCredential
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef

_MISSING: Final = re.compile(r'cannot ([a-z]{1,20}) resource "([a-z/]{1,40})"')

CALL_S: Final = 10.0
"""How long a connection, or one small answer, may take."""


def enter(credential: ClusterCredential) -> KubeClient:
    """A client of the cluster; nothing is sent yet. Raises Refused for certificates that are none."""
    configuration = Configuration(host=credential.url)
    configuration.ca_cert_data = credential.ca_pem or None
    # Authorities of managed clusters are older than what the strict rules of RFC 5280 ask for; all else is checked.
    configuration.disable_strict_ssl_verification = True
    configuration.trace_configs = [_no_redirects()]
    try:
        kube = KubeClient(_api(configuration, credential), timeout_s=CALL_S)
    except (OSError, ValueError):  # ssl's errors are OSErrors; their words may repeat what was parsed
        text = f"the certificates for {credential.url} cannot be used: PEM of an authority, a certificate, and its key"
        raise refused(Code.KUBECONFIG_REFUSED, text) from None
    if credential.token:
        kube.carry(credential.token)
    return kube


def why_not(error: KubeError, cluster: ClusterRef) -> Reason:
    """Why a cluster does not show itself: by name of the verb and resource where RBAC refused."""
    where = f"cluster {cluster.name}"
    match error.status:
        case 401:
            text = f"{where} does not accept the identity; give it access (docs/cluster-access.md)"
            return Reason(code=Code.AUTH_FAILED, text=text)
        case 403:
            # Verb and resource alone: the rest of the sentence is the other side's to choose.
            missing = _MISSING.search(error.words)
            what = f"{missing[1]} {missing[2]}" if missing else "look at it"
            text = f"{where} does not let us {what}; grant it (docs/cluster-access.md)"
            return Reason(code=Code.DENIED, text=text)
        case 429:
            return Reason(code=Code.THROTTLED, text=f"{where} has too many requests to answer ours")
        case 0:
            return Reason(code=Code.UNAVAILABLE, text=f"{where} cannot be reached, or gives no answer that is one")
        case _:
            return Reason(code=Code.UNAVAILABLE, text=f"{where} answers with an error")


def _api(configuration: Configuration, credential: ClusterCredential) -> ApiClient:
    if not credential.certificate_pem:
        return ApiClient(configuration)
    # Python's ssl takes a client's key from files only: they live as long as it reads them, in a directory of mode 0700.
    with tempfile.TemporaryDirectory(prefix="multicloud-") as directory:
        files = {"cert_file": credential.certificate_pem, "key_file": credential.key_pem}
        for name, text in files.items():
            path = Path(directory) / name
            path.touch(mode=0o600)
            path.write_text(text)
            setattr(configuration, name, str(path))
        return ApiClient(configuration)


def _no_redirects() -> aiohttp.TraceConfig:
    """A cluster's API redirects nobody; a redirect would lead our requests to any host of the other side's choice."""

    async def refuse(*_: Any) -> None:
        raise aiohttp.ClientConnectionError("the server redirects")

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace
