"""Prometheus itself and its tool for rules: those on PATH, else built once with Go into the cache."""

import fcntl
import shutil
import subprocess
from pathlib import Path
from typing import Literal

from multicloud_lab.controlplane.golang import find_go, go_environment
from multicloud_lab.controlplane.recipe import cache_root

Name = Literal["prometheus", "promtool"]

VERSION = "v0.316.0"
PACKAGES = "github.com/prometheus/prometheus/cmd"
BUILD_WITHIN_S = 900.0
RUN_WITHIN_S = 120.0


def program(name: Name) -> Path:
    """Where it is. Builds it if this machine has none: a few minutes, once."""
    on_path = shutil.which(name)
    if on_path is not None:
        return Path(on_path)
    directory = cache_root() / "prometheus" / VERSION
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / name).exists():
            _build(name, directory)
    return directory / name


def promtool_says(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tool to its end."""
    argv = [str(program("promtool")), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=RUN_WITHIN_S, check=False)


def _build(name: Name, directory: Path) -> None:
    # Service discovery of every vendor is most of it, and nothing that rules or the tests' scrapes need.
    argv = [str(find_go()), "install", "-tags=remove_all_sd", "-trimpath", "-ldflags=-s -w"]
    built = subprocess.run(
        [*argv, f"{PACKAGES}/{name}@{VERSION}"],
        env={**go_environment(), "GOBIN": str(directory)},
        capture_output=True,
        text=True,
        timeout=BUILD_WITHIN_S,
        check=False,
    )
    assert built.returncode == 0, f"{name} could not be built; install it (Debian: prometheus)\n{built.stderr[-2000:]}"
