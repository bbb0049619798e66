"""Which Azure cloud an account is in, and that a sovereign one is asked nowhere else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from multicloud.clouds.aks.door import open_door
from multicloud.clouds.aks.environment import PUBLIC, find_environment
from multicloud.model.error import CloudError, Refused
from multicloud.model.reason import Code
from multicloud.settings import AzureEndpoints, AzureEnvironment, Endpoint
from support.azuredoor import ACCOUNT, TENANT, Fence, serve_entra
from support.vendor import Vendor

VENDORS = {
    "AzureCloud": (
        "https://management.azure.com",
        "https://login.microsoftonline.com",
        "https://management.azure.com/.default",
    ),
    "AzureUSGovernment": (
        "https://management.usgovcloudapi.net",
        "https://login.microsoftonline.us",
        "https://management.core.usgovcloudapi.net/.default",
    ),
    "AzureChinaCloud": (
        "https://management.chinacloudapi.cn",
        "https://login.chinacloudapi.cn",
        "https://management.chinacloudapi.cn/.default",
    ),
}


@pytest.mark.parametrize("name", VENDORS)
def test_the_vendors_clouds_are_built_in(name: str) -> None:
    found = find_environment(name, AzureEndpoints())
    assert (found.arm.url, found.authority.url, found.scope) == VENDORS[name]


def test_without_a_name_it_is_the_default_of_the_settings() -> None:
    assert find_environment(None, AzureEndpoints()) == PUBLIC
    arm, authority = Endpoint(url="https://arm.stack/"), Endpoint(url="https://login.stack")
    found = find_environment(None, AzureEndpoints(arm=arm, authority=authority))
    assert (found.arm, found.authority, found.scope) == (arm, authority, "https://arm.stack/.default")


def test_the_administrators_set_goes_before_the_vendors() -> None:
    own = AzureEnvironment(arm=Endpoint(url="https://arm.proxy"), authority=Endpoint(url="https://login.proxy"))
    found = find_environment("AzureChinaCloud", AzureEndpoints(environments={"AzureChinaCloud": own}))
    assert (found.arm, found.authority, found.scope) == (own.arm, own.authority, "https://arm.proxy/.default")


def test_an_unknown_name_says_which_are_known() -> None:
    own = AzureEnvironment(arm=Endpoint(url="https://arm.stack"), authority=Endpoint(url="https://login.stack"))
    with pytest.raises(Refused) as caught:
        find_environment("stack", AzureEndpoints(environments={"Stack": own}))
    assert caught.value.reason.code is Code.ENVIRONMENT_UNKNOWN
    assert "AzureChinaCloud, AzureCloud, AzureUSGovernment, Stack" in caught.value.reason.text


def test_a_named_set_is_asked_at_its_own_addresses_with_its_own_scope(vendor: Vendor, fence: Fence) -> None:
    serve_entra(vendor)
    here = Endpoint(url=vendor.url, ca_file=vendor.ca_file)
    own = AzureEnvironment(arm=here, authority=here, scope="https://tokens.stack/.default")
    door = open_door(
        replace(ACCOUNT, environment="Stack"),
        {"clientSecret": b"x"},
        AzureEndpoints(environments={"Stack": own}),
        before_send=fence,
        call_timeout_s=10,
    )
    door.identity.whoami()
    [asked] = vendor.calls("POST", "/token")
    assert b"tokens.stack" in asked.body
    assert {seen.path.split("/")[1] for seen in vendor.seen} == {TENANT}, "no discovery of authorities"


@pytest.mark.parametrize("name", [None, *VENDORS])
def test_a_vendors_cloud_is_asked_nowhere_else(name: str | None, fence: Fence, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(host: Any, *_: Any, **__: Any) -> Any:
        asked.append(host.decode() if isinstance(host, bytes) else str(host))
        raise OSError("a test may not leave the machine")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    account = replace(ACCOUNT, environment=name)
    door = open_door(account, {"clientSecret": b"x"}, AzureEndpoints(), before_send=fence, call_timeout_s=5)
    with pytest.raises(CloudError):
        door.identity.whoami()
    assert {f"https://{host}" for host in asked} == {VENDORS[name or "AzureCloud"][1]}


@pytest.mark.parametrize(
    "endpoint",
    [Endpoint(url="http://arm.example"), Endpoint(url="https://arm.example", ca_file=Path("/nonexistent/ca.pem"))],
    ids=["no-tls", "no-ca-file"],
)
def test_a_named_set_that_cannot_work(endpoint: Endpoint, fence: Fence) -> None:
    good = Endpoint(url="https://login.example")
    for own in (
        AzureEnvironment(arm=endpoint, authority=good),
        AzureEnvironment(arm=good, authority=endpoint),
    ):
        with pytest.raises(Refused) as caught:
            open_door(
                replace(ACCOUNT, environment="Stack"),
                {"clientSecret": b"x"},
                AzureEndpoints(environments={"Stack": own}),
                before_send=fence,
                call_timeout_s=5,
            )
        assert caught.value.reason.code is Code.INVALID
