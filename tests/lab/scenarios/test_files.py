"""Scenario files with a mistake: one line that names file, field and what is allowed; nothing starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from multicloud_lab.scenarios.model import ScenarioError, load

OPERATOR = Path(__file__).parents[3] / "operator"
RIGHT = """\
name: mine
about: One thing.
clouds: [aws]
script:
  - wish: {to: 9}
  - settle: {}
facts:
  - resizes: {is: 1}
"""


def scenario(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "multicloud_lab", "scenario", *arguments],
        env={**os.environ, "PYTHONPATH": str(OPERATOR)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        pytest.param("clouds: [aws]", "clouds: [ibm]", "clouds[0]: must be 'aws', 'azure' or 'gcp'", id="cloud"),
        pytest.param("{to: 9}", "{to: -1}", "script[0].wish.to: must be greater than or equal to 0", id="size"),
        pytest.param("settle: {}", "sleep: 3", "script[1].sleep: is no field: there are settle, ", id="unknown step"),
        pytest.param("settle: {}", "settle:", "script[1]: a step has exactly one of advance", id="empty step"),
        pytest.param("{is: 1}", "{}", "facts[0].resizes: one of is, atLeast, atMost must be given", id="no bound"),
        pytest.param("name: mine", "name: My Own", "name: must match pattern", id="name"),
        pytest.param("name: mine", "name: mine\nseed: {aws: 3}", "seed.aws: must be a map with account, ", id="seed"),
        pytest.param("settle: {}", "fault: {action: melt}", "script[1].fault: action.kind: 'melt' is not", id="fault"),
        pytest.param("settle: {}", "meanwhile: {when: before}", "script[1].meanwhile: one of hand and", id="meanwhile"),
        pytest.param("settle: {}", "hand: {act: resize}", "script[1].hand: `to` goes with resize", id="hand"),
        pytest.param(
            "settle: {}",
            "fault: {action: hang, match: {operation: rezise}}",
            "script[1].fault: match.operation: rezise is no operation: there are resize, ",
            id="fault's operation",
        ),
        pytest.param(
            "settle: {}",
            "meanwhile: {operation: reed, kill: true}",
            "script[1].meanwhile.operation: reed is no operation: there are read, ",
            id="held operation",
        ),
        pytest.param(
            "resizes: {is: 1}",
            "calls: {operation: SetNodepoolSize, is: 1}",
            "facts[0].calls.operation: SetNodepoolSize is no operation: there are SetNodePoolSize, ",
            id="counted operation",
        ),
        pytest.param(
            "settle: {}",
            "deny: eks:UpdateNodeGroupConfig",
            "script[1].deny: eks:UpdateNodeGroupConfig is no action of a cloud: there are eks:UpdateNodegroupConfig, ",
            id="denied action",
        ),
        pytest.param(
            "name: mine", "name: mine\nseed: {aws: {cluster: 3}}", "seed.aws.cluster: is no field", id="seed's"
        ),
        pytest.param("name: mine", "name: mine\nname: yours", "line 2: name stands twice", id="twice"),
        pytest.param("name: mine", "[", "is not YAML", id="no YAML"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, was: str, now: str, said: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(RIGHT.replace(was, now))
    with pytest.raises(ScenarioError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}: {said}")
    assert "\n" not in str(caught.value)


def test_the_command_starts_nothing_for_a_wrong_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(RIGHT.replace("{to: 9}", "{}"))
    done = scenario("all", "--file", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{file}: script[0].wish.to: must be given\n"


def test_an_unknown_name_is_told_with_the_known_ones(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(RIGHT)
    done = scenario("nothing", "--file", str(file))
    assert (done.returncode, done.stderr) == (2, "nothing: is no scenario: there are mine-eks and all\n")


def test_a_file_of_ones_own_is_played_and_a_broken_fact_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(RIGHT)
    assert scenario("all", "--file", str(file)).stdout == "passed  mine-eks\n"
    file.write_text(RIGHT.replace("is: 1", "is: 2"))
    done = scenario("mine-eks", "--file", str(file))
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "FAILED  mine-eks"
    assert "1 effective resizes (4 to 9), but there should be exactly 2" in done.stdout


@pytest.mark.parametrize(
    ("client", "code", "said"),
    [
        pytest.param("/absent/client", 2, "--client /absent/client: cannot be started", id="absent"),
        pytest.param("true", 1, "ended (exit code 0)", id="ends at once"),
        pytest.param("echo hello", 1, "must answer with one JSON object a line", id="no JSON"),
    ],
)
def test_a_client_that_is_none_is_told(tmp_path: Path, client: str, code: int, said: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(RIGHT)
    done = scenario("all", "--file", str(file), "--client", client)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
