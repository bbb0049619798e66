"""Where the programs of the control plane are on this machine.

Looked for in the directory the user names (``KUBEBUILDER_ASSETS``), in the
cache of earlier builds, on ``PATH``; what is nowhere goes to ``build``. The
server, its store and kubectl are taken from one place together: a stray kubectl
of another release beside our own server would be a puzzle, not a saving.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from multicloud_lab.controlplane.build import build
from multicloud_lab.controlplane.errors import ControlPlaneError
from multicloud_lab.controlplane.recipe import cache_directory

ASSETS_VARIABLE: Final = "KUBEBUILDER_ASSETS"
_SERVER_PROGRAMS: Final = ("kube-apiserver", "etcd", "kubectl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Absolute paths of the three programs a control plane needs."""

    kube_apiserver: Path
    etcd: Path
    kubectl: Path


def programs() -> Programs:
    """Find the server's programs, building them once if this machine has none.

    Raises ControlPlaneError when ``KUBEBUILDER_ASSETS`` is set but incomplete, or
    when the build fails.
    """
    found = _find(_SERVER_PROGRAMS)
    if found is None:
        found = build(_SERVER_PROGRAMS)
    return Programs(kube_apiserver=found["kube-apiserver"], etcd=found["etcd"], kubectl=found["kubectl"])


def helm_path() -> Path:
    """Find Helm, building it once if this machine has none; the API server runs without it."""
    return _find_helm() or build(("helm",))["helm"]


def everything(*, with_helm: bool = True) -> dict[str, Path]:
    """Make the server's three programs and Helm ready, building in one go what is missing; paths by name."""
    missing: list[str] = []
    if _find(_SERVER_PROGRAMS) is None:
        missing.extend(_SERVER_PROGRAMS)
    if with_helm and _find_helm() is None:
        missing.append("helm")
    if missing:
        build(missing)
    found = programs()
    paths = {"kube-apiserver": found.kube_apiserver, "etcd": found.etcd, "kubectl": found.kubectl}
    return {**paths, "helm": helm_path()} if with_helm else paths


def _find(names: Sequence[str]) -> dict[str, Path] | None:
    named = _assets()
    if named is not None:
        found = _in_directory(named, names)
        if found is None:
            absent = ", ".join(name for name in names if not _is_program(named / name))
            raise ControlPlaneError(
                f"{ASSETS_VARIABLE} is {named}, which lacks {absent}. Point it to a directory "
                f"with {', '.join(names)} (`setup-envtest use -p path` prints one), or unset "
                "it to have them built."
            )
        return found
    return _in_directory(cache_directory(), names) or _on_path(names)


def _find_helm() -> Path | None:
    # setup-envtest brings no Helm, so its absence from the named directory is no mistake.
    places = [cache_directory()]
    named = _assets()
    if named is not None:
        places.insert(0, named)
    for place in places:
        found = _in_directory(place, ("helm",))
        if found is not None:
            return found["helm"]
    on_path = _on_path(("helm",))
    return None if on_path is None else on_path["helm"]


def _assets() -> Path | None:
    named = os.environ.get(ASSETS_VARIABLE, "")
    return Path(named).absolute() if named else None


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _in_directory(directory: Path, names: Sequence[str]) -> dict[str, Path] | None:
    found = {name: directory / name for name in names}
    return found if all(_is_program(path) for path in found.values()) else None


def _on_path(names: Sequence[str]) -> dict[str, Path] | None:
    found = {name: shutil.which(name) for name in names}
    complete = {name: Path(path).absolute() for name, path in found.items() if path is not None}
    return complete if len(complete) == len(names) else None
