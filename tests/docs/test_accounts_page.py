"""docs/accounts.md: its manifests go to the API server, its settings to the operator, and what one says the other does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from multicloud.clouds.ambient import admit
from multicloud.kinds.parse import account_object
from multicloud.model.account import AccountObject, AccountSpec
from multicloud.settings import Settings, load
from multicloud_lab.controlplane import ControlPlane

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "accounts.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


MANIFESTS = [block for block in blocks("yaml") if "\nkind:" in block]
SETTINGS = [block for block in blocks("yaml") if "\nkind:" not in block]


def objects() -> list[dict[str, Any]]:
    return [body for block in MANIFESTS for body in yaml.safe_load_all(block)]


def accounts() -> list[AccountObject]:
    return [account_object(body) for body in objects() if body["kind"] == "CloudAccount"]


def spec_of(account: AccountObject) -> AccountSpec:
    assert account.spec is not None, account.problem
    return account.spec


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Every block of settings, as one file."""
    whole = {key: value for block in SETTINGS for key, value in yaml.safe_load(block).items()}
    path = tmp_path_factory.mktemp("page") / "settings.yaml"
    path.write_text(yaml.safe_dump(whole))
    return load(path, {})


def test_the_page_holds_only_what_is_tried() -> None:
    assert set(re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)) == {"yaml", "json"}
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]


def test_every_manifest_is_taken_by_the_api_server(our_kinds: ControlPlane) -> None:
    for namespace in ("shop", "platform"):
        our_kinds.kubectl("create", "namespace", namespace)  # there already after another test: no trouble
    for block in MANIFESTS:
        answer = our_kinds.kubectl("apply", "--dry-run=server", "--filename=-", input=block)
        assert answer.returncode == 0, f"{block}\n{answer.stderr}"


def test_the_settings_allow_every_account_without_a_secret(settings: Settings) -> None:
    ambient = [account for account in accounts() if spec_of(account).secret is None]
    assert len(ambient) == 4
    for account in ambient:
        admit(account.key.namespace, spec_of(account).target, settings.identities)


def test_every_secret_that_an_account_names_is_on_the_page() -> None:
    secrets = {body["metadata"]["name"] for body in objects() if body["kind"] == "Secret"}
    assert {spec_of(account).secret for account in accounts()} == {None, *secrets}


def test_the_trust_policy_asks_for_what_is_sent(settings: Settings) -> None:
    [policy] = map(json.loads, blocks("json"))
    [account] = [each for each in accounts() if each.key.name == "aws-shop"]
    asked = policy["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
    assert account.external_id(settings.installation) == asked
    assert f"`{asked.replace('/', '@')}`" in PAGE
