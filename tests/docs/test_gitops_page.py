"""docs/gitops-and-scalers.md: its manifests go to the API server, its settings to the operator."""

import re
from pathlib import Path

import pytest
import yaml

from multicloud.settings import load
from multicloud_lab.controlplane import ControlPlane

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gitops-and-scalers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
MANIFESTS = [block for block in BLOCKS if "kind:" in block]
SETTINGS = [block for block in BLOCKS if "kind:" not in block]


def test_the_page_holds_only_what_is_tried() -> None:
    assert set(re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)) == {"yaml"}
    links = re.findall(r"\]\(([^)#:]+)", PAGE)
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]


@pytest.mark.parametrize("block", MANIFESTS)
def test_every_manifest_is_taken_by_the_api_server(our_kinds: ControlPlane, block: str) -> None:
    our_kinds.kubectl("create", "namespace", "shop")  # there already after another test: no trouble
    answer = our_kinds.kubectl("apply", "--dry-run=server", "--filename=-", input=block)
    assert answer.returncode == 0, answer.stderr


def test_the_settings_give_the_namespace_its_source(tmp_path: Path) -> None:
    (block,) = SETTINGS
    (tmp_path / "settings.yaml").write_text(block)
    source = load(tmp_path / "settings.yaml", {}).metrics.prometheus["main"]
    (policy,) = [body for body in yaml.safe_load_all(MANIFESTS[0]) if body["kind"] == "ScalingPolicy"]
    assert policy["metadata"]["namespace"] in source.namespaces
