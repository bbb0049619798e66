"""Prometheus' own tool for rules: the one on PATH, else built once with Go into the cache."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from multicloud_lab.controlplane.golang import find_go, go_environment
from multicloud_lab.controlplane.recipe import cache_root

VERSION = "v0.316.0"
PACKAGE = "github.com/prometheus/prometheus/cmd/promtool"
BUILD_WITHIN_S = 900.0
RUN_WITHIN_S = 120.0


def promtool() -> Path:
    """Where the tool is. Builds it if this machine has none: two to five minutes, once."""
    on_path = shutil.which("promtool")
    if on_path is not None:
        return Path(on_path)
    directory = cache_root() / "promtool" / VERSION
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "promtool").exists():
            _build(directory)
    return directory / "promtool"


def promtool_says(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tool to its end."""
    return subprocess.run([promtool(), *arguments], capture_output=True, text=True, timeout=RUN_WITHIN_S, check=False)


def _build(directory: Path) -> None:
    # Service discovery of every vendor is most of it, and nothing that rules need.
    argv = [str(find_go()), "install", "-tags=remove_all_sd", "-trimpath", "-ldflags=-s -w", f"{PACKAGE}@{VERSION}"]
    built = subprocess.run(
        argv,
        env={**go_environment(), "GOBIN": str(directory)},
        capture_output=True,
        text=True,
        timeout=BUILD_WITHIN_S,
        check=False,
    )
    assert built.returncode == 0, (
        f"promtool could not be built; install it (Debian: prometheus)\n{built.stderr[-2000:]}"
    )
