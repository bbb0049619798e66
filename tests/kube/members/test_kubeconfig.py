"""What a tenant's kubeconfig may hold: a closed list, on hosts that an administrator named."""

import base64
from typing import Any

import pytest
import yaml

from multicloud.kube.members.entering import enter
from multicloud.kube.members.kubeconfig import read_kubeconfig
from multicloud.model.error import Refused
from multicloud.model.member import ClusterCredential
from multicloud.model.reason import Code

HOSTS = ("api.example.com", "*.clusters.example.com", "10.0.0.1")
PEM = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"
ENCODED = base64.b64encode(PEM.encode()).decode()


def kubeconfig(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **top: Any) -> bytes:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "other", "context": {}}, {"name": "it", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example.com", **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": "abc"} if user is None else user}],
        **top,
    }
    return yaml.safe_dump(config).encode()


def read(raw: bytes, hosts: tuple[str, ...] = HOSTS) -> ClusterCredential:
    return read_kubeconfig({"kubeconfig": raw}, hosts)


def refusal(raw: bytes, hosts: tuple[str, ...] = HOSTS) -> str:
    with pytest.raises(Refused) as caught:
        read(raw, hosts)
    assert caught.value.reason.code is Code.KUBECONFIG_REFUSED
    return caught.value.reason.text


def test_inline_data_is_taken() -> None:
    told = read(kubeconfig({"certificate-authority-data": ENCODED}))
    assert told == ClusterCredential(url="https://api.example.com", ca_pem=PEM, token="abc")
    told = read(kubeconfig(user={"client-certificate-data": ENCODED, "client-key-data": ENCODED}))
    assert (told.token, told.certificate_pem, told.key_pem) == ("", PEM, PEM)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"user": {"exec": {"command": "sh"}}}, "user.exec"),
        ({"user": {"auth-provider": {"name": "gcp"}}}, "user.auth-provider"),
        ({"user": {"tokenFile": "/var/run/secrets/token"}}, "user.tokenFile"),
        ({"user": {"token": "abc", "client-key": "/etc/key"}}, "user.client-key"),
        ({"user": {"token": "abc", "client-certificate": "/etc/crt"}}, "user.client-certificate"),
        ({"user": {"token": "abc", "as": "system:admin"}}, "user.as"),
        ({"user": {"token": "abc", "as-groups": ["system:masters"]}}, "user.as-groups"),
        ({"user": {"username": "root", "password": "x"}}, "user.password"),
        ({"cluster": {"certificate-authority": "/etc/ca"}}, "cluster.certificate-authority"),
        ({"cluster": {"proxy-url": "http://proxy"}}, "cluster.proxy-url"),
        ({"cluster": {"insecure-skip-tls-verify": True}}, "cluster.insecure-skip-tls-verify"),
        ({"cluster": {"tls-server-name": "other"}}, "cluster.tls-server-name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_could_reach_beyond_the_cluster_is_refused_by_name(part: dict[str, Any], name: str) -> None:
    assert f"{name} of the kubeconfig is not allowed" in refusal(kubeconfig(**part))


@pytest.mark.parametrize(
    "server",
    [
        "http://api.example.com",
        "api.example.com",
        "https://user:pw@api.example.com",
        "https://api.example.com/?a=b",
        "https://api.example.com:port",
        "file:///etc/passwd",
        "",
        7,
    ],
)
def test_a_server_must_be_a_plain_https_url(server: object) -> None:
    assert "must be an https URL" in refusal(kubeconfig({"server": server}))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("api.example.com", True),
        ("API.example.com", True),
        ("a.clusters.example.com", True),
        ("a.b.clusters.example.com", True),
        ("clusters.example.com", False),
        ("evilclusters.example.com", False),
        ("api.example.com.evil.org", False),
        ("10.0.0.1", True),
        ("10.0.0.2", False),
        ("kubernetes.default.svc", False),
        ("localhost", False),
    ],
)
def test_only_hosts_that_an_administrator_named(host: str, allowed: bool) -> None:
    raw = kubeconfig({"server": f"https://{host}:6443/path"})
    if allowed:
        assert read(raw).url.lower() == f"https://{host}:6443/path".lower()
    else:
        assert "memberClusters.kubeconfigHosts" in refusal(raw)


def test_by_default_no_host_is_allowed() -> None:
    assert "it names none" in refusal(kubeconfig(), ())


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "168.63.129.16",
        "[::]",
        "metadata.google.internal",
        "metadata.google.internal.",
    ],
)
def test_addresses_of_the_clouds_machines_are_refused_whatever_is_allowed(host: str) -> None:
    bare = host.strip("[]")
    assert "address of the cloud's machines" in refusal(kubeconfig({"server": f"https://{host}"}), (bare, "*.internal"))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\xff\xfe", "is no YAML"),
        (b"{", "is no YAML"),
        (b"[]", "is not a mapping"),
        (kubeconfig().replace(b"current-context: it", b"current-context: none"), "names no entry of contexts"),
        (kubeconfig(clusters="c"), "names no entry of clusters"),
        (kubeconfig(users=[{"name": "u", "user": None}]), "is not a mapping"),
        (kubeconfig(user={}), "must hold either token"),
        (kubeconfig(user={"token": "abc", "client-certificate-data": ENCODED, "client-key-data": ENCODED}), "either"),
        (kubeconfig(user={"client-certificate-data": ENCODED}), "belong together"),
        (kubeconfig(user={"token": "a\nb"}), "is not a token"),
        (kubeconfig({"certificate-authority-data": "no base64"}), "is not PEM in base64"),
        (kubeconfig({"certificate-authority-data": base64.b64encode(b"text").decode()}), "is not PEM in base64"),
    ],
)
def test_what_cannot_be_read_is_refused_without_repeating_it(raw: bytes, words: str) -> None:
    told = refusal(raw)
    assert words in told
    assert ENCODED not in told


def test_a_secret_without_the_key_names_it() -> None:
    with pytest.raises(Refused) as caught:
        read_kubeconfig({"config": b""}, HOSTS)
    assert caught.value.reason.code is Code.SECRET_KEY_MISSING
    assert "kubeconfig" in caught.value.reason.text


async def test_certificates_that_are_none_are_refused_when_entering() -> None:
    for authority, certificate in ((PEM, ""), ("", PEM)):
        with pytest.raises(Refused) as caught:
            enter(
                ClusterCredential(
                    url="https://api.example.com", ca_pem=authority, certificate_pem=certificate, key_pem=certificate
                )
            )
        assert caught.value.reason.code is Code.KUBECONFIG_REFUSED
