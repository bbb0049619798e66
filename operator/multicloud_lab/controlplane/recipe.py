"""What is built and how: the program names, read together with ``go.mod``.

``go.mod`` is the only place that names versions; the linker flags and the
cache's key follow from it. Read by ``programs`` (where is it?) and ``build``.
"""

import hashlib
import os
import platform
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from multicloud_lab.controlplane.errors import ControlPlaneError

MODULE_DIRECTORY: Final = Path(__file__).parent
_VERSION_PACKAGE: Final = "k8s.io/component-base/version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one program is built from a module that ``go.mod`` requires."""

    name: str
    module: str
    package: str
    version: str
    usual_duration_s: int
    """On two cores, nothing cached, built in the order of :func:`recipes` (Helm alone: 100)."""
    variables: tuple[tuple[str, str], ...]
    """Go variables set by the linker; without them a program does not know its version."""

    @property
    def linker_flags(self) -> str:
        """The value of ``go build -ldflags``: no symbol table, and the variables."""
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables)])


def _required(go_mod: str, module: str) -> str:
    found = re.search(rf"^\s*{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise ControlPlaneError(f"{MODULE_DIRECTORY / 'go.mod'} does not require {module}")
    return found[1]


def go_version_needed() -> tuple[int, int]:
    """Return the (major, minor) of Go that ``go.mod`` asks for."""
    found = re.search(r"^go (\d+)\.(\d+)", _module_file("go.mod"), re.MULTILINE)
    if found is None:
        raise ControlPlaneError(f"{MODULE_DIRECTORY / 'go.mod'} has no line `go 1.N`")
    return int(found[1]), int(found[2])


def _module_file(name: str) -> str:
    return (MODULE_DIRECTORY / name).read_text(encoding="utf-8")


@cache
def recipes() -> tuple[Recipe, ...]:
    """Return every program's recipe, in the order they are built."""
    go_mod = _module_file("go.mod")
    kubernetes = _required(go_mod, "k8s.io/kubernetes")
    helm = _required(go_mod, "helm.sh/helm/v4")
    major, minor, _patch = kubernetes.removeprefix("v").split(".", 2)
    # Clients parse the server's version: `kubectl version` and Helm fail on the
    # placeholder a plain `go build` leaves there.
    kubernetes_variables = (
        (f"{_VERSION_PACKAGE}.gitVersion", kubernetes),
        (f"{_VERSION_PACKAGE}.gitMajor", major),
        (f"{_VERSION_PACKAGE}.gitMinor", minor),
    )
    return (
        Recipe(
            name="etcd",
            module="go.etcd.io/etcd/server/v3",
            package="go.etcd.io/etcd/server/v3",
            version=_required(go_mod, "go.etcd.io/etcd/server/v3"),
            usual_duration_s=45,
            variables=(),
        ),
        Recipe(
            name="kube-apiserver",
            module="k8s.io/kubernetes",
            package="k8s.io/kubernetes/cmd/kube-apiserver",
            version=kubernetes,
            usual_duration_s=300,
            variables=kubernetes_variables,
        ),
        Recipe(
            name="kubectl",
            module="k8s.io/kubernetes",
            package="k8s.io/kubernetes/cmd/kubectl",
            version=kubernetes,
            usual_duration_s=30,
            variables=kubernetes_variables,
        ),
        Recipe(
            name="helm",
            module="helm.sh/helm/v4",
            package="helm.sh/helm/v4/cmd/helm",
            version=helm,
            usual_duration_s=25,
            variables=(("helm.sh/helm/v4/internal/version.version", helm),),
        ),
    )


def cache_root() -> Path:
    """Return the directory for everything this package keeps between runs."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(configured) if configured else Path.home() / ".cache"
    return base / "multicloud"


def cache_directory() -> Path:
    """Return the directory of the programs these recipes build on this machine."""
    made_from = hashlib.sha256()
    for part in (_module_file("go.mod"), _module_file("go.sum"), repr(recipes())):
        made_from.update(part.encode())
    kubernetes = next(recipe.version for recipe in recipes() if recipe.name == "kube-apiserver")
    machine = f"{sys.platform}-{platform.machine()}"
    key = f"{kubernetes}-{machine}-{made_from.hexdigest()[:12]}"
    return cache_root() / "controlplane" / key
