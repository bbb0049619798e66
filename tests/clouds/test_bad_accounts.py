"""Accounts that cannot work: each gets one stable reason, nothing is written, and nobody unnamed is called.

A good account lives in the same namespace and must not notice. Hosts are watched by the fixture `strays` behind `machine`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from multicloud_lab.core.faultkinds import Answer, AuthExpire, ClockSkew
from multicloud_lab.core.faults import Fault, Match
from support.accounts import AccountWorld
from support.certificates import certificate
from support.signing_in import WAYS, Machine, Way, irsa

EVIL = "https://evil.example/token"
BY_ID = {way.id: way for way in WAYS}
KEYS, SECRET, KEY = BY_ID["aws-keys"], BY_ID["azure-client-secret"], BY_ID["gcp-key"]
GARBAGE = bytes(range(256)) * 4
HUGE = b"A" * 1_000_000

Secret = dict[str, bytes]
Row = tuple[Way, Callable[[Machine], Secret], str, str]


def aws(**changes: bytes) -> Callable[[Machine], Secret]:
    return lambda machine: {**KEYS.secret(machine), **changes} if KEYS.secret else {}


def azure(**changes: bytes) -> Callable[[Machine], Secret]:
    return lambda _machine: dict(changes)


def gcp(**changes: Any) -> Callable[[Machine], Secret]:
    def made(machine: Machine) -> Secret:
        known = {**machine.lab.document["credentials"]["gcp"], **changes}
        return {"key.json": json.dumps({name: value for name, value in known.items() if value is not None}).encode()}

    return made


def raw(value: bytes) -> Callable[[Machine], Secret]:
    return lambda _machine: {"key.json": value}


def of(way: Way) -> Callable[[Machine], Secret]:
    assert way.secret is not None
    return way.secret


SECRETS: Mapping[str, Row] = {
    "aws-nothing": (KEYS, lambda _: {}, "SecretKeyMissing", "accessKeyId"),
    "aws-half": (KEYS, lambda _: {"accessKeyId": b"AKIALAB0000000000001"}, "SecretKeyMissing", "secretAccessKey"),
    "aws-of-azure": (KEYS, of(SECRET), "SecretKeyMissing", "accessKeyId"),
    "aws-of-gcp": (KEYS, of(KEY), "SecretKeyMissing", "accessKeyId"),
    "aws-empty": (KEYS, aws(secretAccessKey=b" \n"), "SecretInvalid", "secretAccessKey"),
    "aws-garbage": (KEYS, aws(accessKeyId=GARBAGE), "SecretInvalid", "accessKeyId"),
    "aws-huge": (KEYS, aws(sessionToken=HUGE), "SecretInvalid", "sessionToken"),
    "aws-two-lines": (KEYS, aws(accessKeyId=b"AKIA\r\nHost: evil.example"), "SecretInvalid", "accessKeyId"),
    "aws-not-ascii": (KEYS, aws(secretAccessKey="schlüssel".encode()), "SecretInvalid", "secretAccessKey"),
    "aws-two-words": (KEYS, aws(secretAccessKey=b"two words"), "SecretInvalid", "secretAccessKey"),
    "aws-wrong": (KEYS, aws(secretAccessKey=b"not-the-key"), "AuthenticationFailed", "correct the keys"),
    "azure-nothing": (SECRET, azure(), "SecretKeyMissing", "clientSecret"),
    "azure-of-aws": (SECRET, of(KEYS), "SecretKeyMissing", "clientSecret"),
    "azure-empty": (SECRET, azure(clientSecret=b""), "SecretInvalid", "clientSecret"),
    "azure-garbage": (SECRET, azure(clientSecret=GARBAGE), "SecretInvalid", "clientSecret"),
    "azure-huge": (SECRET, azure(clientSecret=HUGE), "SecretInvalid", "clientSecret"),
    "azure-two-lines": (SECRET, azure(clientSecret=b"one\ntwo"), "SecretInvalid", "clientSecret"),
    "azure-wrong": (SECRET, azure(clientSecret=b"not-it"), "AuthenticationFailed", "AADSTS7000215"),
    "azure-both": (SECRET, azure(clientSecret=b"x", clientCertificate=b"y"), "SecretInvalid", "both"),
    "azure-no-pem": (SECRET, azure(clientCertificate=GARBAGE), "SecretInvalid", "clientCertificate"),
    "azure-huge-pem": (SECRET, azure(clientCertificate=HUGE), "SecretInvalid", "clientCertificate"),
    "azure-broken-pem": (
        SECRET,
        azure(clientCertificate=b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        "SecretInvalid",
        "clientCertificate",
    ),
    "azure-certificate-alone": (SECRET, azure(clientCertificate=certificate().public), "SecretInvalid", "private key"),
    "azure-key-alone": (SECRET, azure(clientCertificate=certificate().private), "SecretInvalid", "X.509"),
    "azure-elliptic": (SECRET, azure(clientCertificate=certificate(elliptic=True).both), "SecretInvalid", "RSA"),
    "azure-passphrase": (
        SECRET,
        azure(clientCertificate=certificate(passphrase=b"lock").both),
        "SecretInvalid",
        "passphrase",
    ),
    "azure-strangers-certificate": (
        SECRET,
        azure(clientCertificate=certificate("stranger").both),
        "AuthenticationFailed",
        "AADSTS700027",
    ),
    "gcp-nothing": (KEY, lambda _: {}, "SecretKeyMissing", "key.json"),
    "gcp-of-azure": (KEY, of(SECRET), "SecretKeyMissing", "key.json"),
    "gcp-empty": (KEY, raw(b""), "SecretInvalid", "key.json"),
    "gcp-garbage": (KEY, raw(GARBAGE), "SecretInvalid", "key.json"),
    "gcp-huge": (KEY, raw(b'"' + HUGE + b'"'), "SecretInvalid", "key.json"),
    "gcp-deep": (KEY, raw(b"[" * 60_000), "SecretInvalid", "key.json"),
    "gcp-elsewhere": (KEY, gcp(token_uri=EVIL), "SecretInvalid", "token_uri"),
    "gcp-federation": (
        KEY,
        gcp(type="external_account", token_url=EVIL, credential_source={"file": "/etc/passwd"}),
        "SecretInvalid",
        "service_account",
    ),
    "gcp-impersonation": (
        KEY,
        gcp(type="impersonated_service_account", service_account_impersonation_url=EVIL),
        "SecretInvalid",
        "service_account",
    ),
    "gcp-person": (KEY, gcp(type="authorized_user", refresh_token="x"), "SecretInvalid", "service_account"),
    "gcp-no-key": (KEY, gcp(private_key=None), "SecretInvalid", "private_key"),
    "gcp-bad-key": (KEY, gcp(private_key="-----BEGIN PRIVATE KEY-----\nAAAA\n"), "SecretInvalid", "private_key"),
    "gcp-two-lines": (KEY, gcp(client_email="a@b.c\nHost: evil.example"), "SecretInvalid", "client_email"),
    "gcp-no-number": (KEY, gcp(client_email=7), "SecretInvalid", "client_email"),
    "gcp-wrong": (KEY, gcp(client_email="nobody@x.iam.gserviceaccount.com"), "AuthenticationFailed", "not found"),
}
"""Way, what its Secret holds instead, the reason, and a word that tells a person where to look."""


async def refused(machine: Machine, way: Way) -> tuple[str, str]:
    """Reason and sentence of the account's Stalled; a good account of each cloud stays ready beside it."""
    async with AccountWorld(machine, way) as world:
        beside = {good.id: good for good in (KEYS, SECRET, KEY) if good.cloud != way.cloud}
        for name, good in beside.items():
            world.add(name, good)
        status = await world.settled()
        assert {world.conditions(world.status(name))["Ready"][0] for name in beside} == {"True"}
        assert "identity" not in status
        assert not [entry for entry in machine.lab.journal() if entry["effective"] and entry["principal"] != "admin"]
        stalled = next(found for found in status["conditions"] if found["type"] == "Stalled")
        assert (stalled["status"], world.conditions(status)["Ready"][0]) == ("True", "False")
        writes = world.world.cluster.status_writes
        await world.world.run_for(minutes=3)
        assert world.world.cluster.status_writes == writes, "the reason never changes while nothing does"
        return stalled["reason"], stalled["message"]


@pytest.mark.parametrize("row", SECRETS.values(), ids=SECRETS.keys())
async def test_a_secret_that_cannot_work(
    machine: Machine, row: Row, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    way, secret, code, word = row
    reason, message = await refused(machine, replace(way, secret=secret))
    assert reason == code
    assert word in message
    assert len(message) < 500
    told = f"{message}{caplog.text}{capsys.readouterr()}"
    for value in secret(machine).values():
        assert value.strip() == b"" or len(value) < 3 or value.decode(errors="replace")[:40] not in told


async def test_a_secret_that_is_not_there(machine: Machine) -> None:
    way = replace(KEYS, secret=None)
    async with AccountWorld(machine, way) as world:
        world.apply("mine", {"provider": "aws", "aws": {}, "credentials": {"secretRef": {"name": "gone"}}})
        status = await world.settled()
    assert world.conditions(status)["Stalled"] == ("True", "SecretNotFound")


EXPIRED: Mapping[str, tuple[Way, Fault, str]] = {
    "aws": (BY_ID["aws-session-keys"], Fault(action=AuthExpire(), match=Match(cloud="aws")), "ExpiredToken"),
    "azure": (SECRET, Fault(action=AuthExpire(), match=Match(operation="Entra_Token")), "AADSTS7000222"),
    "gcp": (
        KEY,
        Fault(
            action=Answer(status=400, code="UNAUTHENTICATED", message="key is expired"), match=Match(operation="token")
        ),
        "expired",
    ),
}


@pytest.mark.parametrize("cloud", EXPIRED)
async def test_credentials_that_have_expired(machine: Machine, cloud: str) -> None:
    way, fault, word = EXPIRED[cloud]
    assert way.secret is not None
    held = way.secret(machine)
    machine.lab.place(fault)
    reason, message = await refused(machine, replace(way, secret=lambda _: held))
    assert reason == "AuthenticationFailed"
    assert word in message


CLOCKS: Mapping[str, tuple[str, float]] = {
    "aws-slow": ("aws-keys", 400),
    "aws-fast": ("aws-keys", -400),
    "aws-role": ("aws-keys-then-role", 400),
    "aws-irsa": ("aws-irsa", 400),
    "aws-irsa-far": ("aws-irsa", -7200),
    "aws-pod-identity": ("aws-pod-identity", 400),
    "azure-certificate-slow": ("azure-certificate", 7200),
    "azure-certificate-fast": ("azure-certificate", -7200),
    "azure-workload-identity": ("azure-workload-identity", 7200),
    "gcp-slow": ("gcp-key", 7200),
    "gcp-fast": ("gcp-key", -7200),
    "gcp-impersonation": ("gcp-key-then-impersonation", 7200),
}
"""A way that signs with a date, and by how many seconds the cloud's clock is ahead of ours."""


@pytest.mark.parametrize("row", CLOCKS.values(), ids=CLOCKS.keys())
async def test_a_clock_that_is_off_is_told_as_such(machine: Machine, row: tuple[str, float]) -> None:
    way, ahead_s = BY_ID[row[0]], row[1]
    machine.lab.place(Fault(action=ClockSkew(seconds=ahead_s), match=Match(cloud=way.cloud)))
    reason, message = await refused(machine, way)
    assert reason == "ClockSkewed"
    assert "clock" in message


DENIED: Mapping[str, tuple[str, str, str]] = {
    "aws-role": ("aws-keys-then-role", "lab", "sts:AssumeRole"),
    "gcp-impersonation": ("gcp-key-then-impersonation", "lab@shop-prod-1.iam.gserviceaccount.com", "getAccessToken"),
}


@pytest.mark.parametrize("row", DENIED.values(), ids=DENIED.keys())
async def test_a_target_that_the_cloud_denies_is_named(machine: Machine, row: tuple[str, str, str]) -> None:
    way, principal, action = BY_ID[row[0]], row[1], row[2]
    machine.lab.run(lambda lab: lab.permissions.deny(principal, f"*{action}"))
    reason, message = await refused_alone(machine, way)
    assert reason == "PermissionDenied"
    assert action in message


async def refused_alone(machine: Machine, way: Way) -> tuple[str, str]:
    async with AccountWorld(machine, way) as world:
        status = await world.settled()
    stalled = next(found for found in status["conditions"] if found["type"] == "Stalled")
    assert stalled["status"] == "True"
    return stalled["reason"], stalled["message"]


MISSING_FILES: Mapping[str, tuple[str, str]] = {
    "aws-irsa": ("aws-irsa", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    "aws-pod-identity": ("aws-pod-identity", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    "azure-workload-identity": ("azure-workload-identity", "AZURE_FEDERATED_TOKEN_FILE"),
    "gcp-key-file": ("gcp-key-file", "GOOGLE_APPLICATION_CREDENTIALS"),
}


@pytest.mark.parametrize("row", MISSING_FILES.values(), ids=MISSING_FILES.keys())
async def test_a_token_file_that_is_not_there(machine: Machine, row: tuple[str, str]) -> None:
    way, variable = BY_ID[row[0]], row[1]

    def given(inner: Machine) -> None:
        assert way.given is not None
        way.given(inner)
        inner.environment.setenv(variable, "/nonexistent/token")

    reason, _ = await refused_alone(machine, replace(way, given=given))
    assert reason == "AuthenticationFailed"


CONTRADICTIONS: Mapping[str, tuple[str, str, str]] = {
    "aws-keys": ("aws-keys", "AWS_PROFILE", "nobodys"),
    "aws-ambient": ("aws-irsa", "AWS_PROFILE", "nobodys"),
    "azure-ambient": ("azure-managed-identity-by-name", "MSI_ENDPOINT", "http://127.0.0.1:9"),
}


@pytest.mark.parametrize("row", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
async def test_an_environment_that_no_sdk_can_use_is_a_reason_not_a_crash(
    machine: Machine, row: tuple[str, str, str]
) -> None:
    way, variable, value = BY_ID[row[0]], row[1], row[2]
    machine.environment.setenv(variable, value)
    reason, _ = await refused_alone(machine, way)
    assert reason == "AuthenticationFailed"


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
async def test_an_operator_without_any_identity(machine: Machine, cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where the machine's own metadata would be asked, nobody listens.
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    way = next(way for way in WAYS if way.cloud == cloud and way.given is not None and way.allow is None)
    async with AccountWorld(machine, replace(way, given=None)) as world:
        status = await world.settled()
    expected = "Unavailable" if cloud == "azure" else "AuthenticationFailed"
    assert world.conditions(status)["Ready"] == ("False", expected)


async def test_an_environment_that_nobody_set(machine: Machine) -> None:
    way = replace(SECRET, block={**SECRET.block, "environment": "AzureGermanCloud"})
    reason, message = await refused_alone(machine, way)
    assert reason == "EnvironmentUnknown"
    assert "AzureUSGovernment" in message
    assert [entry for entry in machine.lab.journal() if entry["cloud"] == "azure"] == []


async def test_the_ambient_identity_is_of_its_own_directory(machine: Machine) -> None:
    way = BY_ID["azure-workload-identity"]
    elsewhere = {**way.block, "tenantId": "00000000-0000-0000-0000-0000000000ee"}
    reason, message = await refused_alone(machine, replace(way, block=elsewhere))
    assert reason == "InvalidSpec"
    assert "azure.tenantId" in message


@pytest.mark.parametrize(
    "field",
    [
        {"endpoint": "https://evil.example"},
        {"endpointUrl": "https://evil.example"},
        {"stsEndpoint": EVIL},
        {"tokenUri": EVIL},
        {"authority": "https://evil.example"},
    ],
    ids=lambda field: next(iter(field)),
)
@pytest.mark.parametrize("way", [KEYS, SECRET, KEY], ids=lambda way: way.cloud)
async def test_an_endpoint_in_an_object_is_no_field(machine: Machine, way: Way, field: dict[str, str]) -> None:
    async with AccountWorld(machine, replace(way, block={**way.block, **field})) as world:
        status = await world.settled()
        assert status["identity"] == way.identity


async def test_static_keys_ask_nobody_else_for_credentials(machine: Machine, strays: list[str]) -> None:
    """Neither the machine's metadata nor files nor the operator's own identity stand in for a tenant's keys."""
    machine.environment.delenv("AWS_EC2_METADATA_DISABLED")
    irsa(machine)
    (machine.directory / ".aws").mkdir()
    machine.file(".aws/credentials", "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = file\n")
    reason, _ = await refused_alone(machine, replace(KEYS, secret=aws(secretAccessKey=b"not-the-key")))
    assert reason == "AuthenticationFailed"
    operations = [entry["operation"] for entry in machine.lab.journal() if entry["cloud"] == "aws"]
    assert set(operations) == {"GetCallerIdentity"}
    assert strays == []
