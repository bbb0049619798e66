"""The lab as a program: its document, how it ends, what it says about a wrong seed."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

OPERATOR = Path(__file__).parents[3] / "operator"
KEYS = {
    "eks",
    "autoscaling",
    "sts",
    "arm",
    "gke",
    "compute",
    "google",
    "credentials",
    "clusters",
    "admin",
}


@contextmanager
def program(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "multicloud_lab", "--no-control-plane", *arguments]
    with subprocess.Popen(
        command,
        env={"PYTHONPATH": str(OPERATOR)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def document(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    read: dict[str, Any] = json.loads(process.stdout.readline())
    return read


def test_the_first_line_is_the_document_and_everything_answers() -> None:
    with program("-o", "json") as process:
        told = document(process)
        assert set(told) == KEYS
        assert {"accessKeyId", "secretAccessKey"} == set(told["credentials"]["aws"])
        assert {"tenantId", "clientId", "clientSecret"} == set(told["credentials"]["azure"])
        assert told["credentials"]["gcp"]["token_uri"] == told["google"]["token"]
        assert len(told["clusters"]) == 6
        assert Path(told["arm"]["caFile"]).exists()
        assert requests.get(told["eks"]["url"] + "/clusters", timeout=10).status_code == 403
        assert requests.get(told["admin"]["url"] + "/pools", timeout=10).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not Path(told["arm"]["caFile"]).exists()


def test_it_ends_when_its_parents_pipe_closes() -> None:
    with program("-o", "json", "--die-with-stdin") as process:
        document(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_the_journal_goes_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with program("-o", "json", "--journal", str(path), "--clock-factor", "60") as process:
        told = document(process)
        requests.get(told["eks"]["url"] + "/clusters", timeout=10)
        assert requests.get(told["admin"]["url"] + "/clock", timeout=10).json()["factor"] == 60
        entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(entry["operation"], entry["result"]) for entry in entries] == [
        ("ListClusters", "MissingAuthenticationTokenException")
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--seed-file", "absent.yaml"], "absent.yaml: cannot be read", id="no seed file"),
        pytest.param(["--fault-file", "absent.yaml"], "absent.yaml: cannot be read", id="no fault file"),
        pytest.param(["--clock-factor", "inf"], "must be 0", id="infinite factor"),
        pytest.param(["--clock-factor", "-1"], "must be 0", id="factor below zero"),
        pytest.param(["--clock-factor", "fast"], "--clock-factor", id="factor not a number"),
        pytest.param(["--journal", "/absent/journal"], "/absent/journal", id="journal that cannot be written"),
    ],
)
def test_a_mistake_on_the_command_line_starts_nothing(arguments: list[str], said: str) -> None:
    with program(*arguments) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert said in err


def test_faults_of_the_file_are_in_force_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {action: {kind: latency, ms: 1}, match: {cloud: gcp}}\n")
    with program("-o", "json", "--fault-file", str(path)) as process:
        told = document(process)
        (placed,) = requests.get(told["admin"]["url"] + "/faults", timeout=10).json()["faults"]
    assert placed["fault"]["action"] == {"kind": "latency", "ms": 1.0}


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        pytest.param("--seed-file", "aws: {accounts: 1}", "aws.accounts: ", id="seed"),
        pytest.param("--seed-file", "gcp: {switches: {absent: 1}}", "gcp.switches.absent: is no switch", id="switch"),
        pytest.param("--seed-file", "gcp: {pace: {put: {burst: 1, perS: 1}}}", "gcp.pace.put: is no kind", id="pace"),
        pytest.param("--fault-file", "- {action: hung}", "[0].action.kind: 'hung' is not one of", id="fault"),
    ],
)
def test_a_mistake_in_a_file_is_one_line_and_starts_nothing(tmp_path: Path, option: str, text: str, said: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    with program("-o", "json", option, str(path)) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert err.startswith(f"{path}: {said}")
    assert err.count("\n") == 1
