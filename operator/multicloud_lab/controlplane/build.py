"""Build the programs nobody has, once per machine.

Called by ``programs`` for what it found nowhere. Each program is built beside
its place in the cache and renamed into it, so an interrupted build leaves what
was finished and nothing half-written; a lock keeps two processes from building
the same thing twice.
"""

import contextlib
import fcntl
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from multicloud_lab.controlplane.errors import ControlPlaneError
from multicloud_lab.controlplane.golang import find_go, go_environment
from multicloud_lab.controlplane.progress import minutes, run_and_tick, say
from multicloud_lab.controlplane.recipe import (
    MODULE_DIRECTORY,
    Recipe,
    cache_directory,
    recipes,
)

_LAST_LINES: Final = 20


def build(names: Collection[str]) -> dict[str, Path]:
    """Build the named programs into the cache unless they are there; return their paths.

    Raises ControlPlaneError with the compiler's last lines when one cannot be built.
    """
    directory = cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    wanted = [recipe for recipe in recipes() if recipe.name in names]
    with _alone(directory.with_name(directory.name + ".lock")):
        missing = [recipe for recipe in wanted if not (directory / recipe.name).exists()]
        if missing:
            _build_all(missing, directory)
    return {recipe.name: directory / recipe.name for recipe in wanted}


def _build_all(missing: list[Recipe], directory: Path) -> None:
    for left_behind in directory.glob(".*.partial"):
        left_behind.unlink()
    go = find_go()
    usual_s = sum(recipe.usual_duration_s for recipe in missing)
    say(
        f"building {', '.join(recipe.name for recipe in missing)} once, into {directory} "
        f"(usually about {minutes(usual_s)} on two cores)"
    )
    for position, recipe in enumerate(missing, start=1):
        _build_one(go, recipe, directory, f"[{position}/{len(missing)}]")


def _build_one(go: Path, recipe: Recipe, directory: Path, position: str) -> None:
    partial = directory / f".{recipe.name}.{os.getpid()}.partial"
    log = directory / f"{recipe.name}.build.log"
    argv = [str(go), "build", "-trimpath", "-buildvcs=false"]
    argv += ["-ldflags", recipe.linker_flags, "-o", str(partial), recipe.package]
    usual = minutes(recipe.usual_duration_s)
    try:
        status, seconds = run_and_tick(
            argv,
            label=f"{position} building {recipe.name} {recipe.version} (usually {usual})",
            cwd=MODULE_DIRECTORY,
            environment=go_environment(),
            log=log,
        )
        if status != 0:
            raise _build_failed(recipe, status, log)
        partial.rename(directory / recipe.name)
    finally:
        partial.unlink(missing_ok=True)
    say(f"{position} {recipe.name} {recipe.version} built in {minutes(seconds)}")


def _build_failed(recipe: Recipe, status: int, log: Path) -> ControlPlaneError:
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    return ControlPlaneError(
        "\n".join(
            [
                (
                    f"building {recipe.name} {recipe.version} failed (status {status}); "
                    f"the whole output is in {log}, its end is:"
                ),
                *(f"  {line}" for line in last),
                (
                    "The build needs a Go module proxy (GOPROXY), about 5 GB of disk and 3 GB of "
                    "memory. Run it again to go on where it stopped, or set KUBEBUILDER_ASSETS to a "
                    "directory with kube-apiserver, etcd and kubectl "
                    "(`setup-envtest use -p path` prints one)."
                ),
            ]
        )
    )


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is building the control plane's programs; waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
