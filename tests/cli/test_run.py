import io
import json
import socket
import subprocess
from pathlib import Path

import pytest
import structlog

from multicloud.cli.logs import configure
from support.commandline import command, environment, multicloud_says

SECRET = "hush-hush"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("leese: {}\n", "leese"),
        ("lease: {durationSeconds: -1}\n", "lease.durationSeconds"),
        ("[]\n", "settings.yaml"),
        (None, "settings.yaml"),
    ],
    ids=["a name that does not exist", "a value out of range", "no mapping", "no such file"],
)
def test_a_mistake_in_the_settings_ends_it_with_one_line_that_names_it(
    tmp_path: Path, text: str | None, named: str
) -> None:
    file = tmp_path / "settings.yaml"
    if text is not None:
        file.write_text(text)
    said = multicloud_says("run", "--settings", str(file))
    assert said.returncode == 1
    assert named in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_a_mistake_in_the_environment_is_told_as_well() -> None:
    said = multicloud_says("run", MULTICLOUD_WORKERS="many")
    assert said.returncode == 1
    assert "workers" in said.stderr


def test_without_a_cluster_it_ends_with_one_line(tmp_path: Path) -> None:
    said = multicloud_says("run", "--kubeconfig", str(tmp_path / "none"))
    assert said.returncode == 1
    assert "--kubeconfig" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = tmp_path / "settings.yaml"
        file.write_text(f"http: {{host: 127.0.0.1, port: {port}}}\n")
        said = multicloud_says("run", "--settings", str(file), "--kubeconfig", str(nowhere(tmp_path)))
    assert said.returncode == 1
    (line,) = said.stderr.splitlines()
    assert f"127.0.0.1:{port}" in line


@pytest.mark.parametrize("end", ["stdin", "SIGTERM"])
def test_it_ends_when_it_is_told_to_also_without_a_cluster(tmp_path: Path, end: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("http: {host: 127.0.0.1, port: 0}\n")
    process = subprocess.Popen(
        command("run", "--settings", str(file), "--kubeconfig", str(nowhere(tmp_path)), "--die-with-stdin"),
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    process.stderr.readline()  # it listens: signals reach it
    if end == "stdin":
        process.stdin.close()
    else:
        process.terminate()
    assert process.wait(30) == 0
    process.stdin.close()
    process.stderr.close()


def nowhere(directory: Path) -> Path:
    """A kubeconfig file whose server does not answer."""
    file = directory / "kubeconfig"
    named = {"name": "none"}
    whole = {
        "clusters": [{**named, "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{**named, "user": {}}],
        "contexts": [{**named, "context": {"cluster": "none", "user": "none"}}],
        "current-context": "none",
    }
    file.write_text(json.dumps(whole))
    return file


def test_some_namespaces_and_all_of_them_contradict_each_other() -> None:
    said = multicloud_says("run", "-A", "--watch-namespace", "shop")
    assert said.returncode == 2


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "console"])
def test_a_traceback_shows_no_local_variable(*, as_json: bool) -> None:
    stream = io.StringIO()
    configure(as_json=as_json, level="info", stream=stream)
    try:
        _fail_with(SECRET)
    except RuntimeError:
        structlog.get_logger("test").exception("failed")
    finally:
        structlog.reset_defaults()
    told = stream.getvalue()
    assert "RuntimeError" in told
    assert SECRET not in told


def _fail_with(secret: str) -> None:
    held = {"clientSecret": secret}
    raise RuntimeError(f"{len(held)} key")


def test_a_line_of_json_says_when_which_part_and_how_bad() -> None:
    stream = io.StringIO()
    configure(as_json=True, level="info", stream=stream)
    log = structlog.get_logger("lane")
    log.debug("below the level")
    log.warning("slow", seconds=3)
    structlog.reset_defaults()
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["event"], told["logger"], told["level"], told["seconds"]) == ("slow", "lane", "warning", 3)
    assert "timestamp" in told
