"""The alert rules as the chart and kustomize install them: only when asked for."""

from pathlib import Path

import yaml

from multicloud_lab.controlplane import ControlPlane
from support.renderings import BASE, CHART, TREE, charted, documents, kustomize, of_kind


def test_the_chart_installs_the_rules_when_asked_to_and_points_at_your_pages() -> None:
    assert of_kind(charted(), "PrometheusRule") == []
    values = {"alerts": {"enabled": True, "labels": {"release": "kps"}, "docs": "https://example.com/v1"}}
    (rule,) = of_kind(charted(values), "PrometheusRule")
    assert rule["metadata"]["labels"]["release"] == "kps"
    text = (CHART / "files" / "alerts.yaml").read_text(encoding="utf-8")
    shipped = yaml.safe_load(text.replace("docs/operations.md", "https://example.com/v1/operations.md"))
    assert rule["spec"] == shipped


def test_kustomize_adds_the_rules_as_a_component(control_plane: ControlPlane, tmp_path: Path) -> None:
    directory = tmp_path / "overlay"
    directory.mkdir()

    def to(target: Path) -> str:
        return str(target.relative_to(TREE))

    (tmp_path / "tree").symlink_to(TREE, target_is_directory=True)
    content = {"resources": [f"../tree/{to(BASE)}"], "components": [f"../tree/{to(TREE / 'deploy' / 'alerts')}"]}
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (rule,) = of_kind(documents(kustomize(control_plane, directory)), "PrometheusRule")
    assert rule["spec"]["groups"]
