"""Reads the kubeconfig of a tenant's Secret: inline data only, hosts that an administrator named only.

A kubeconfig may make its reader run programs, read files of the operator's pod, use proxies or trust anybody. So what is
understood here is a closed list, and anything else is refused by name (docs/decisions/0019-kubeconfig-hosts.md).
"""

import base64
import binascii
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import yaml

from multicloud.model.error import Refused, refused
from multicloud.model.member import ClusterCredential
from multicloud.model.port import Secrets
from multicloud.model.reason import Code

SECRET_KEY: Final = "kubeconfig"  # noqa: S105 - the documented name of the key, not a secret

_CLUSTER: Final = frozenset({"server", "certificate-authority-data", "extensions"})
_USER: Final = frozenset({"token", "client-certificate-data", "client-key-data", "extensions"})
_METADATA_NAMES: Final = frozenset(
    {"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
)
_METADATA: Final = (ipaddress.ip_network("fd00:ec2::/32"), ipaddress.ip_network("168.63.129.16/32"))
"""Where machines of clouds ask who they are, beside the link-local addresses."""


async def fetch_kubeconfig(secrets: Secrets, namespace: str, name: str, hosts: Sequence[str]) -> ClusterCredential:
    """The credential of a Secret's kubeconfig. Raises Refused, as `read_kubeconfig`, or Unavailable."""
    try:
        secret = await secrets.read_secret(namespace, name)
    except Refused as error:
        text = f"kubeconfigSecretRef: Secret {name} in namespace {namespace} does not exist or may not be read"
        raise refused(error.reason.code, text) from None
    return read_kubeconfig(secret, hosts)


def read_kubeconfig(secret: Mapping[str, bytes], hosts: Sequence[str]) -> ClusterCredential:
    """The credential of the current context. Raises Refused (SecretKeyMissing, KubeconfigRefused).

    `hosts` are the names that the setting memberClusters.kubeconfigHosts allows, `*.` standing for any one beginning.
    """
    if SECRET_KEY not in secret:
        raise refused(Code.SECRET_KEY_MISSING, f"kubeconfigSecretRef: the Secret has no key {SECRET_KEY}")
    config = _mapping(_loaded(secret[SECRET_KEY]), "the document")
    context = _named(config, "contexts", config.get("current-context"), "current-context")
    cluster = _named(config, "clusters", context.get("cluster"), "context.cluster")
    user = _named(config, "users", context.get("user"), "context.user")
    _closed(cluster, _CLUSTER, "cluster")
    _closed(user, _USER, "user")
    token, certificate, key = _login(user)
    return ClusterCredential(
        url=_server(cluster.get("server"), hosts),
        ca_pem=_pem(cluster, "certificate-authority-data", "cluster"),
        token=token,
        certificate_pem=certificate,
        key_pem=key,
    )


def _login(user: Mapping[str, Any]) -> tuple[str, str, str]:
    token = user.get("token", "")
    certificate, key = _pem(user, "client-certificate-data", "user"), _pem(user, "client-key-data", "user")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise _refused("user.token", "is not a token")
    if bool(certificate) is not bool(key):
        raise _refused("user.client-certificate-data", "and client-key-data belong together")
    if bool(token) is bool(certificate):
        raise _refused("user", "must hold either token, or client-certificate-data and client-key-data")
    return token, certificate, key


def _server(server: object, hosts: Sequence[str]) -> str:
    try:
        address = urlsplit(server if isinstance(server, str) else "")
        host, _ = address.hostname, address.port
    except ValueError:
        address, host = SplitResult("", "", "", "", ""), None
    if address.scheme != "https" or not host or address.username or address.query or address.fragment:
        raise _refused("cluster.server", "must be an https URL of a host, and a path at most")
    if _is_metadata(host):
        raise _refused("cluster.server", "names an address of the cloud's machines themselves")
    if not any(_fits(host, pattern) for pattern in hosts):
        allowed = "it names none" if not hosts else "which has others"
        raise _refused(
            "cluster.server",
            f"names host {host}, which the administrator's setting memberClusters.kubeconfigHosts does not allow ({allowed})",
        )
    return address.geturl().rstrip("/")


def _fits(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def _is_metadata(host: str) -> bool:
    if host.rstrip(".") in _METADATA_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(
        mapped.is_link_local
        or mapped.is_multicast
        or mapped.is_unspecified
        or any(mapped.version == network.version and mapped in network for network in _METADATA)
    )


def _loaded(raw: bytes) -> object:
    try:
        found: object = yaml.safe_load(raw.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise _refused("the document", "is no YAML") from None  # the parser's own words would repeat the text
    return found


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _refused(where, "is not a mapping")
    return value


def _named(config: Mapping[str, Any], plural: str, name: object, asked_by: str) -> Mapping[str, Any]:
    entries = config.get(plural)
    found = [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    one = next((each for each in found if name and each.get("name") == name), None)
    if one is None:
        raise _refused(asked_by, f"names no entry of {plural}")
    return _mapping(one.get(plural.removesuffix("s")), f"{plural}[].{plural.removesuffix('s')}")


def _closed(part: Mapping[str, Any], allowed: frozenset[str], where: str) -> None:
    strangers = sorted(str(name) for name in part if name not in allowed)
    if strangers:
        told = ", ".join(sorted(allowed - {"extensions"}))
        raise _refused(f"{where}.{strangers[0][:60]}", f"is not allowed; only inline data is: {told}")


def _pem(part: Mapping[str, Any], name: str, where: str) -> str:
    encoded = part.get(name, "")
    try:
        text = base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, TypeError, ValueError):
        raise _refused(f"{where}.{name}", "is not PEM in base64") from None
    if text and "-----BEGIN " not in text:
        raise _refused(f"{where}.{name}", "is not PEM in base64")
    return text


def _refused(field: str, why: str) -> Refused:
    return refused(Code.KUBECONFIG_REFUSED, f"kubeconfigSecretRef: {field} of the kubeconfig {why}")
