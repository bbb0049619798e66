"""Makes a connection to a member cluster of a credential: one authority, no redirects, a time-out on everything."""

import tempfile
from pathlib import Path
from typing import Any, Final

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration

from multicloud.kube.client import KubeClient
from multicloud.model.error import refused
from multicloud.model.member import ClusterCredential
from multicloud.model.reason import Code

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
