"""The lab as a program: its document, how it ends, what it says about a wrong seed."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

OPERATOR = Path(__file__).parents[3] / "operator"
KEYS = {
    "eks",
    "autoscaling",
    "sts",
    "podIdentity",
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
        head, entry = [json.loads(line) for line in path.read_text().splitlines()]
        assert (head["seed"]["random"], entry["operation"]) == (1, "ListClusters")
        assert entry["result"] == "MissingAuthenticationTokenException"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert json.loads(path.read_text().splitlines()[-1])["endSeconds"] > entry["epochSeconds"]


FAULTS = """\
- {action: {kind: slowNodes, factor: 1.3}, match: {cloud: aws}}
- {action: lostResponse, match: {operation: UpdateNodegroupConfig}, times: 1}
- {action: {kind: partial, nodes: 2}, match: {operation: AgentPools_CreateOrUpdate}, times: 1}
"""
SEED = "random: 11\ntimings: {boot: {min: 31.7, max: 151.3}}\n"


def test_a_run_is_done_again_from_its_file(tmp_path: Path) -> None:
    """Faults of a file and of the admin port, hands, lost answers, limits and clock steps, in a lab of its own."""
    path, faults, seed = (tmp_path / name for name in ("journal.jsonl", "faults.yaml", "seed.yaml"))
    faults.write_text(FAULTS)
    seed.write_text(SEED)
    given = ("--journal", str(path), "--fault-file", str(faults), "--seed-file", str(seed), "--clock-factor", "0")
    with program("-o", "json", *given) as process:
        told = document(process)
        admin, own = told["admin"]["url"], told["credentials"]["aws"]

        def post(at: str, **body: object) -> None:
            answer = requests.post(admin + at, json=body, timeout=10)
            assert answer.status_code == 200, answer.text

        eks = boto3.client(
            "eks",
            region_name="us-east-1",
            endpoint_url=told["eks"]["url"],
            aws_access_key_id=own["accessKeyId"],
            aws_secret_access_key=own["secretAccessKey"],
        )
        web = {"clusterName": "shop-prod", "nodegroupName": "web"}
        post("/clock/advance", seconds=3.000000123)
        eks.update_nodegroup_config(**web, scalingConfig={"desiredSize": 9})
        post("/clock/advance", seconds=1 / 3)
        post("/hands/resize", cloud="azure", cluster="shop-prod", nodePool="web", to=9)
        post("/hands/upgrade", cloud="gcp", cluster="shop-prod", nodePool="web", seconds=1234.5)
        post("/faults", action={"kind": "stockout", "zone": "us-east-1b"}, window={"fromSeconds": 10})
        post("/clock/advance", seconds=77.7777777)
        post("/capacity", cloud="gcp", free=1)
        post("/hands/recreate-pool", cloud="aws", cluster="shop-batch", nodePool="web")
        post("/clock/advance", seconds=400.1)
        eks.update_nodegroup_config(**web, scalingConfig={"desiredSize": 3})
        post("/clock/advance", seconds=41.9)
        pools, nodes, clock, broken = (
            requests.get(admin + at, timeout=10).json() for at in ("/pools", "/nodes", "/clock", "/invariants")
        )
        journal = requests.get(f"{admin}/journal", timeout=10).json()["entries"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    lost = [entry for entry in journal if entry["operation"] == "UpdateNodegroupConfig"]
    assert [entry["effective"] for entry in lost] == [True, False, True]  # the SDK asked again with its token
    done = subprocess.run(
        [sys.executable, "-m", "multicloud_lab", "replay", str(path), "-o", "json"],
        env={"PYTHONPATH": str(OPERATOR)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    again = json.loads(done.stdout)
    assert again == {"now": clock["now"], "epochSeconds": clock["epochSeconds"], **pools, **nodes, **broken}
    assert len(again["nodes"]) > 20


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        pytest.param("{}", 2, "line 1: seq: ", id="no-journal"),
        pytest.param(None, 2, "cannot be read: No such file", id="no-file"),
        pytest.param('{"seed": {"aws": {"switches": {"no": 1}}}, "startSeconds": 0}', 1, "no switch", id="switch"),
    ],
)
def test_what_cannot_be_done_again_is_one_line(tmp_path: Path, text: str | None, code: int, said: str) -> None:
    path = tmp_path / "journal.jsonl"
    if text is not None:
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "multicloud_lab", "replay", str(path)],
        env={"PYTHONPATH": str(OPERATOR)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert done.stderr.startswith(f"{path}: ")
    assert said in done.stderr


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
        pytest.param(
            "--fault-file",
            "- {action: hang, match: {operation: AgentPool_Get}}",
            "[0].match.operation: AgentPool_Get is no operation: there are AgentPools_Get, ",
            id="operation",
        ),
        pytest.param("--seed-file", "azure: {}\nazure: {}", "line 2: azure stands twice", id="twice"),
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
