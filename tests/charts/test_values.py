"""What the chart makes of its values, and which it refuses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from multicloud.settings import Settings, load
from support.renderings import CHART, SYSTEM, charted, helm, of_kind, template


def _one(kind: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
    found = of_kind(charted(values), kind)
    assert len(found) == 1
    return found[0]


def _container(values: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = _one("Deployment", values)["spec"]["template"]["spec"]["containers"][0]
    return container


def test_the_chart_has_no_lint() -> None:
    answer = helm("lint", "--strict", "--quiet", str(CHART))
    assert answer.returncode == 0, answer.stdout + answer.stderr


_REFUSED: list[Any] = [
    pytest.param({"replicas": 2}, "replicas", id="unknown value"),
    pytest.param({"image": {"registry": "x"}}, "registry", id="unknown value inside"),
    pytest.param({"replicaCount": 0}, "replicaCount", id="no replica"),
    pytest.param({"replicaCount": "two"}, "replicaCount", id="a number as a word"),
    pytest.param({"tenantNamespaces": "shop"}, "tenantNamespaces", id="not a list"),
    pytest.param({"tenantNamespaces": ["shop", "shop"]}, "tenantNamespaces", id="twice"),
    pytest.param({"tenantNamespaces": ["Shop"]}, "tenantNamespaces", id="not a namespace"),
    pytest.param({"image": {"digest": "latest"}}, "digest", id="not a digest"),
    pytest.param({"crds": {"install": "no"}}, "install", id="a switch as a word"),
    pytest.param({"settings": {"namespace": "other"}}, "settings.namespace", id="another namespace than the release's"),
]


@pytest.mark.parametrize(("values", "named"), _REFUSED)
def test_a_wrong_value_is_refused_with_its_name(values: dict[str, Any], named: str) -> None:
    answer = template(values)
    assert answer.returncode != 0
    assert named in answer.stderr


def _settings(directory: Path, values: dict[str, Any] | None = None) -> Settings:
    """What the operator reads from the file that the chart makes."""
    file = directory / "settings.yaml"
    file.write_text(_one("ConfigMap", values)["data"]["settings.yaml"], encoding="utf-8")
    return load(file, {})


def test_the_default_settings_are_the_operators_own(tmp_path: Path) -> None:
    assert _settings(tmp_path) == Settings()


def test_settings_reach_the_operator_and_restart_it(tmp_path: Path) -> None:
    values = {"settings": {"observe": {"intervalSeconds": 30}, "identities": {"ambientNamespaces": ["shop"]}}}
    settings = _settings(tmp_path, values)
    assert settings.observe.interval_s == 30
    assert settings.identities.ambient_namespaces == ("shop",)

    def checksum(given: dict[str, Any] | None) -> object:
        return _one("Deployment", given)["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]

    assert checksum(values) != checksum(None)


def test_the_port_of_the_settings_is_the_one_that_is_probed() -> None:
    values = {"settings": {"http": {"port": 9090}}}
    assert _container(values)["ports"] == [{"name": "http", "containerPort": 9090}]
    assert _one("Service", values)["spec"]["ports"] == [{"name": "http", "port": 9090, "targetPort": "http"}]


def test_the_lease_of_the_settings_is_the_one_that_may_be_renewed() -> None:
    values = {"settings": {"lease": {"name": "second"}}}
    names = [rule.get("resourceNames") for rule in _one("Role", values)["rules"]]
    assert names == [None, ["second"], ["multicloud-stop"]]


def test_watched_namespaces_bind_the_rights_there_only() -> None:
    objects = charted({"settings": {"watchNamespaces": ["shop", "bank"]}})
    assert of_kind(objects, "ClusterRoleBinding") == []
    bound = {one["metadata"]["namespace"]: one["roleRef"]["kind"] for one in of_kind(objects, "RoleBinding")}
    assert bound == {SYSTEM: "Role", "shop": "ClusterRole", "bank": "ClusterRole"}


@pytest.mark.parametrize(
    ("values", "image"),
    [
        pytest.param({}, "multicloud-operator:0.1.0", id="default"),
        pytest.param({"repository": "r/x", "tag": "1"}, "r/x:1", id="tag"),
        pytest.param({"digest": "sha256:" + "0" * 64}, "multicloud-operator@sha256:" + "0" * 64, id="digest"),
    ],
)
def test_the_image(values: dict[str, str], image: str) -> None:
    assert _container({"image": values})["image"] == image


@pytest.mark.parametrize(
    ("values", "count", "kept"),
    [
        pytest.param({}, 3, {"helm.sh/resource-policy": "keep"}, id="default"),
        pytest.param({"keep": False}, 3, None, id="removed with the release"),
        pytest.param({"install": False}, 0, None, id="installed by somebody else"),
    ],
)
def test_the_definitions(values: dict[str, bool], count: int, kept: dict[str, str] | None) -> None:
    definitions = of_kind(charted({"crds": values}), "CustomResourceDefinition")
    assert [one["metadata"].get("annotations") for one in definitions] == [kept] * count


def test_everything_that_may_be_given_to_pods_reaches_them() -> None:
    values: dict[str, Any] = {
        "podLabels": {"azure.workload.identity/use": "true"},
        "podAnnotations": {"a": "b"},
        "env": [{"name": "HTTPS_PROXY", "value": "x"}],
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 1}],
        "priorityClassName": "system-cluster-critical",
        "imagePullSecrets": [{"name": "registry"}],
        "resources": {"limits": {"memory": "1Gi"}},
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "x"}},
    }
    template_ = _one("Deployment", values)["spec"]["template"]
    assert template_["metadata"]["labels"].items() >= values["podLabels"].items()
    assert template_["metadata"]["annotations"].items() >= values["podAnnotations"].items()
    assert values["env"][0] in template_["spec"]["containers"][0]["env"]
    # Helm lays given resources over the defaults.
    assert template_["spec"]["containers"][0]["resources"]["limits"] == {"memory": "1Gi"}
    as_given = (
        "nodeSelector",
        "tolerations",
        "affinity",
        "topologySpreadConstraints",
        "priorityClassName",
        "imagePullSecrets",
    )
    assert {field: template_["spec"][field] for field in as_given} == {field: values[field] for field in as_given}
    annotations = _one("ServiceAccount", values)["metadata"]["annotations"]
    assert annotations == values["serviceAccount"]["annotations"]


def test_another_release_has_names_of_its_own() -> None:
    names = {one["metadata"]["name"] for one in charted(release="blue") if one["kind"] != "CustomResourceDefinition"}
    assert all(name.startswith("blue-multicloud-operator") for name in names)


def test_every_value_is_described_by_the_schema_and_has_a_default() -> None:
    schema = yaml.safe_load((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert set(schema["properties"]) - {"global"} == set(values)
