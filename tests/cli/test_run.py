import io
import json
from pathlib import Path

import pytest
import structlog

from multicloud.cli.logs import configure
from support.commandline import multicloud_says

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
