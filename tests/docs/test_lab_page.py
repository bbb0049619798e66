"""docs/lab.md: every command is run in the order of the page, every list is compared with what the lab has."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic.alias_generators import to_camel

from multicloud_lab.admin import admin_app
from multicloud_lab.aks.routes import Operation
from multicloud_lab.aks.switches import Switches as AksSwitches
from multicloud_lab.clusters import Clusters
from multicloud_lab.core.faultfile import KINDS
from multicloud_lab.core.pace import RATES
from multicloud_lab.eks.operations import OPERATIONS
from multicloud_lab.eks.switches import Switches as EksSwitches
from multicloud_lab.gke.methods import METHODS
from multicloud_lab.gke.switches import Switches as GkeSwitches
from multicloud_lab.scenarios.model import Fact, Step, load, pack
from multicloud_lab.serve import make_lab

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
SWITCHES: dict[str, type] = {"aws": EksSwitches, "azure": AksSwitches, "gcp": GkeSwitches}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_every_command_of_the_page_works(tmp_path: Path) -> None:
    script = "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p)' EXIT", *blocks("bash")])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "InProgress\n" in said
    assert '"nodegroupName": "web"' in said
    assert "PENDING\n" in said
    assert re.search(r"[1-9] nodes\n", said)
    assert '"violations": []' in said
    assert said.count("passed  ") == 3
    assert "FAILED" not in said


def test_the_pages_own_scenario_can_be_read(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    assert [scenario.name for scenario in load(file)] == ["shrinks-once-eks", "shrinks-once-gke"]


@pytest.mark.parametrize("cloud", SWITCHES)
def test_every_switch_is_there_with_its_default(cloud: str) -> None:
    for each in fields(SWITCHES[cloud]):
        assert f"| `{cloud}.switches.{to_camel(each.name)}` | `{json.dumps(each.default)}` |" in PAGE


RULES = PAGE.partition("## Rules, ")[2].partition("### The switches")[0]


def test_every_switch_decides_a_rule() -> None:
    named = {name for row in RULES.splitlines() for name in re.findall(r"`(\w+)`", row.rpartition(" | ")[2])}
    for kind in SWITCHES.values():
        assert {to_camel(each.name) for each in fields(kind)} <= named


def test_every_rule_has_a_source_and_every_source_an_address() -> None:
    rows = [row.strip("| ").split(" | ") for row in RULES.splitlines() if row.startswith("| ")]
    assert len(rows) > 100
    assert [row for row in rows if len(row) != 3 or not all(row)] == []
    used = set(re.findall(r"\]\[([a-z0-9-]+)\]", RULES))
    given = re.findall(r"^\[([a-z0-9-]+)\]: https://", RULES, re.MULTILINE)
    assert sorted(used) == sorted(given)


def test_every_rate_is_there() -> None:
    for (cloud, kind), rate in RATES.items():
        assert f"| `{cloud}.pace.{kind}` | {rate.burst} | {rate.per_s:.4g} |" in PAGE


def test_every_operation_fault_and_admin_route_is_there() -> None:
    for name in (*OPERATIONS, *get_args(Operation), *METHODS):
        assert re.search(rf"\b{name}\b", PAGE), name
    for kind in KINDS:
        assert f"`{kind}`" in PAGE
    lab = make_lab()
    for route in admin_app(lab, Clusters(lab)).router.routes():
        assert route.resource is not None
        if route.method != "HEAD":
            assert f"`{route.method} {route.resource.canonical}`" in PAGE


def test_every_scenario_step_and_fact_is_there() -> None:
    for name in {scenario.name.rpartition("-")[0] for scenario in pack()}:
        assert f"| `{name}` |" in PAGE
    for name in (*Step.model_fields, *Fact.model_fields):
        assert f"`{to_camel(name)}`" in PAGE


def test_the_yaml_of_the_page_is_yaml() -> None:
    assert all(isinstance(yaml.safe_load(text), dict) for text in blocks("yaml"))
