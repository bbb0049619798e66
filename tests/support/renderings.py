"""Renders deploy/ and the chart with the control plane's own kubectl and helm."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from multicloud_lab.controlplane import ControlPlane, helm_path

TREE = Path(__file__).parents[2]
BASE = TREE / "deploy" / "base"
TENANT = TREE / "deploy" / "tenant"
CHART = TREE / "charts" / "multicloud-operator"
RELEASE = "multicloud-operator"
SYSTEM = "multicloud-system"

Json = dict[str, Any]


def documents(text: str) -> list[Json]:
    """The objects of a stream of YAML."""
    return [document for document in yaml.safe_load_all(text) if document]


def kustomize(plane: ControlPlane, directory: Path) -> str:
    """What `kubectl kustomize` makes of a directory."""
    answer = plane.kubectl("kustomize", str(directory))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def overlay(directory: Path, *tenants: str) -> Path:
    """Write a kustomization of the base and of the tenants' rights, as a user would; returns its directory."""

    def write(at: Path, **content: Any) -> Path:
        at.mkdir(parents=True)
        (at / "kustomization.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        return at

    def to(target: Path, at: Path) -> str:
        return os.path.relpath(target, at.resolve())

    parts = [to(BASE, directory)]
    for tenant in tenants:
        at = directory / tenant
        write(at, namespace=tenant, resources=[to(TENANT, at)])
        parts.append(tenant)
    (directory / "kustomization.yaml").write_text(yaml.safe_dump({"resources": parts}), encoding="utf-8")
    return directory


def helm(*args: str, values: Json | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm; `values` are given as a file on standard input."""
    given = [] if values is None else ["--values=-"]
    return subprocess.run(
        [helm_path(), *args, *given],
        input=None if values is None else yaml.safe_dump(values),
        stdin=subprocess.DEVNULL if values is None else None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def template(values: Json | None = None, release: str = RELEASE) -> subprocess.CompletedProcess[str]:
    """What the chart renders with such values."""
    return helm("template", release, str(CHART), f"--namespace={SYSTEM}", values=values)


def charted(values: Json | None = None, release: str = RELEASE) -> list[Json]:
    """The objects that the chart renders with such values."""
    answer = template(values, release)
    assert answer.returncode == 0, answer.stderr
    return documents(answer.stdout)


def of_kind(objects: list[Json], kind: str) -> list[Json]:
    """The objects of one kind."""
    return [one for one in objects if one["kind"] == kind]
