"""The contracts of .importlinter hold, and each of them fails when it is broken."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")

WRONG: list[tuple[str, str, str, str]] = [
    ("an SDK in decide", "multicloud/decide/__init__.py", "boto3", "Deciding is pure"),
    ("the clock in decide", "multicloud/decide/__init__.py", "time", "Deciding is pure"),
    ("an SDK in another cloud", "multicloud/clouds/aks/__init__.py", "botocore", "Amazon's SDK"),
    ("Azure's SDK in the registry", "multicloud/clouds/registry.py", "azure.core", "Azure's SDK"),
    ("Google's SDK in observe", "multicloud/observe/__init__.py", "google.auth", "Google's SDK"),
    ("the Kubernetes client in report", "multicloud/report/__init__.py", "kubernetes", "The Kubernetes client"),
    ("kopf in run", "multicloud/run/__init__.py", "kopf", "kopf only in watch"),
    ("the solver outside place", "multicloud/act/__init__.py", "highspy", "The solver"),
    ("metrics in act", "multicloud/act/__init__.py", "prometheus_client", "prometheus_client only"),
    ("pydantic in act", "multicloud/act/__init__.py", "pydantic", "pydantic only at"),
    ("the operator in the lab", "multicloud_lab/core/__init__.py", "multicloud", "share no code"),
    ("the lab in the operator", "multicloud/run/__init__.py", "multicloud_lab", "share no code"),
    ("one stage in another", "multicloud/act/__init__.py", "multicloud.observe", "One-way imports of the operator"),
    ("upwards", "multicloud/kube/__init__.py", "multicloud.watch", "One-way imports of the operator"),
    ("a cloud in a stage", "multicloud/act/__init__.py", "multicloud.clouds", "Stages take ports"),
    ("one cloud in another", "multicloud/clouds/gke/__init__.py", "multicloud.clouds.eks", "opened by the registry"),
    ("a cloud in run", "multicloud/run/__init__.py", "multicloud.clouds.aks", "opened by the registry"),
    ("one emulator in another", "multicloud_lab/eks/__init__.py", "multicloud_lab.gke", "One-way imports of the lab"),
    ("a log in a cloud", "multicloud/clouds/eks/__init__.py", "structlog", "Clouds are blocking"),
    ("waiting in kinds", "multicloud/kinds/__init__.py", "asyncio", "Clouds are blocking"),
    ("the time in the spine", "multicloud/reconcile.py", "time", "The spine neither logs"),
    ("a command line library in report", "multicloud/report/__init__.py", "rich", "Command line libraries"),
    ("a part nobody placed", "multicloud/stray.py", "os", "One-way imports of the operator"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources and contracts that a test may spoil."""
    shutil.copytree(ROOT / "operator", tmp_path / "operator", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def broken(root: Path, *options: str) -> Sequence[str]:
    """Names of the contracts that do not hold."""
    ended = subprocess.run(
        [LINTER, "--no-logo", *options],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "operator"), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line.removesuffix(" BROKEN") for line in ended.stdout.splitlines() if line.endswith(" BROKEN")]
    assert (ended.returncode == 0) == (not found), ended.stdout + ended.stderr
    return found


def test_every_contract_holds() -> None:
    assert broken(ROOT, f"--config={ROOT / '.importlinter'}") == []


@pytest.mark.parametrize(("file", "imported", "contract"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_import_is_found(tree: Path, file: str, imported: str, contract: str) -> None:
    with (tree / "operator" / file).open("a") as source:
        source.write(f"\nimport {imported}\n")
    assert any(contract in name for name in broken(tree, "--no-cache"))
