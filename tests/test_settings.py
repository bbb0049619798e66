"""What an administrator writes about identities, read from a file and from the environment."""

from pathlib import Path

import pytest

from multicloud.settings import AzureEnvironment, Endpoint, SettingsError, load

FILE = """
installation: prod
identities:
  ambientNamespaces: [platform]
  allow:
    platform: ["arn:aws:iam::111122223333:role/pools-*", ambient]
clouds:
  azure:
    environments:
      Stack:
        arm: {url: "https://management.stack.example", caFile: /etc/stack/ca.pem}
        authority: {url: "https://login.stack.example"}
        scope: https://tokens.stack.example/.default
  gcp:
    iamcredentials: {url: "https://iamcredentials.example"}
"""
STACK = AzureEnvironment(
    arm=Endpoint(url="https://management.stack.example", ca_file=Path("/etc/stack/ca.pem")),
    authority=Endpoint(url="https://login.stack.example"),
    scope="https://tokens.stack.example/.default",
)


def written(directory: Path, text: str) -> Path:
    path = directory / "settings.yaml"
    path.write_text(text)
    return path


def test_a_file(tmp_path: Path) -> None:
    read = load(written(tmp_path, FILE), {})
    assert read.installation == "prod"
    assert read.identities.ambient_namespaces == ("platform",)
    assert read.identities.allow == {"platform": ("arn:aws:iam::111122223333:role/pools-*", "ambient")}
    assert read.clouds.azure.environments == {"Stack": STACK}
    assert read.clouds.gcp.iamcredentials == Endpoint(url="https://iamcredentials.example")


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTICLOUD_IDENTITIES__ALLOW", '{"platform": ["ambient"]}')
    monkeypatch.setenv(
        "MULTICLOUD_CLOUDS__AZURE__ENVIRONMENTS",
        '{"Stack": {"arm": {"url": "https://a.example"}, "authority": {"url": "https://b.example"}}}',
    )
    read = load(None, {})
    assert read.identities.allow == {"platform": ("ambient",)}
    assert read.clouds.azure.environments["Stack"].arm == Endpoint(url="https://a.example")


def test_nobody_may_use_the_operators_identity_unless_told() -> None:
    assert (load(None, {}).identities.ambient_namespaces, load(None, {}).identities.allow) == ((), {})


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (
            "clouds: {azure: {environments: {Stack: {arm: {uri: x}}}}}",
            "clouds.azure.environments.Stack.arm.uri: no such setting",
        ),
        ("clouds: {azure: {environments: {Stack: x}}}", "clouds.azure.environments.Stack"),
        ("clouds: {azure: {environments: {'../x': {}}}}", "clouds.azure.environments"),
        ("clouds: {azure: {environments: {Stack: {arm: {url: 'https://a'}}}}}", "authority"),
        ("identities: {allow: {Platform: [ambient]}}", "identities.allow"),
        ("identities: {allow: {platform: ambient}}", "identities.allow.platform"),
        ("identities: {allow: {platform: ['a*b']}}", "identities.allow.platform.0"),
        ("installation: a/b", "installation"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, text), {})
    assert where in str(caught.value)
