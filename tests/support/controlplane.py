"""Fixtures on the real Kubernetes API server: one for the whole run, a fresh namespace per test.

The server is shared, so a test that watches every namespace meets what others left behind;
that is why the operator's own objects of a namespace go when its test ends.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from multicloud_lab.controlplane import ControlPlane

_OWN_GROUP = "multicloud.dev"


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:10]}"
    control_plane.kubectl("create", "namespace", name).check_returncode()
    yield name
    remove_own_objects(control_plane, name)


def remove_own_objects(control_plane: ControlPlane, namespace: str) -> None:
    """Delete every object of the operator's kinds in a namespace, finalizers or not."""
    kinds = control_plane.kubectl(
        "api-resources", f"--api-group={_OWN_GROUP}", "--namespaced", "--output=name", "--cached=false"
    ).stdout.split()
    if not kinds:
        return
    every = ",".join(kinds)
    in_namespace = f"--namespace={namespace}"
    control_plane.kubectl("delete", every, "--all", in_namespace, "--wait=false").check_returncode()
    left = control_plane.kubectl("get", every, in_namespace, "--output=name").stdout.split()
    if left:
        nothing = json.dumps({"metadata": {"finalizers": None}})
        control_plane.kubectl("patch", *left, in_namespace, "--type=merge", f"--patch={nothing}")


def put_program(directory: Path, name: str, script: str = "exit 0") -> Path:
    """Write a shell script that stands where a program of this name is looked for."""
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program
