"""What `adopt`, `pause`, `resume` and `override` refuse before anybody is asked."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from multicloud.cli.root import root

_END = ("--for", "4h")
_WHY = ("--reason", "INC-42")


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    """A kubeconfig of an API server that does not exist: asking it would be another error."""
    path = tmp_path / "kubeconfig"
    path.write_text("{apiVersion: v1, kind: Config}")
    return path


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(("--min", "8", *_WHY), "--for DURATION or --until", id="no end"),
        pytest.param(("--min", "8", *_WHY, *_END, "--until", "2026-12-01T08:00:00Z"), "--for DURATION", id="two ends"),
        pytest.param(("--min", "8", *_END), "--reason", id="no reason"),
        pytest.param((*_END, *_WHY), "one of replicas, minReplicas", id="no number"),
        pytest.param(("--replicas", "8", "--min", "8", *_END, *_WHY), "stands alone", id="a number beside a bound"),
        pytest.param(("--min", "9", "--max", "8", *_END, *_WHY), "must not be above", id="an empty range"),
        pytest.param(("--min", "-1", *_END, *_WHY), "--min", id="less than nothing"),
        pytest.param(("--min", "8", "--for", "tomorrow", *_WHY), "4h, 90m", id="no duration"),
        pytest.param(("--min", "8", "--for", "0h", *_WHY), "passed", id="no time at all"),
        pytest.param(("--min", "8", "--for", "8d", *_WHY), "7 days", id="longer than seven days"),
        pytest.param(("--min", "8", "--until", "2001-01-01T00:00:00Z", *_WHY), "passed", id="the past"),
        pytest.param(("--min", "8", "--until", "2026-12-01T08:00:00", *_WHY), "until", id="no offset"),
        pytest.param(("--clear", "--min", "8"), "--clear stands alone", id="clear and set"),
    ],
)
def test_a_mistaken_override_is_told_and_nobody_is_asked(options: tuple[str, ...], told: str, nobody: Path) -> None:
    said = CliRunner().invoke(root, ["override", "web", *options, f"--kubeconfig={nobody}"])
    assert (said.exit_code, said.stdout) == (2, "")
    assert told in said.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("pause",), "name one pool", id="nothing named"),
        pytest.param(("pause", "web", "--account", "account"), "name one pool", id="both named"),
        pytest.param(("pause", "--account", "account", "--scale-in"), "of pools", id="removals of an account"),
        pytest.param(("resume", "--account", "account", "--scale-in"), "of pools", id="and back"),
        pytest.param(("adopt", "web"), "--all", id="nobody adopted"),
        pytest.param(("adopt", "web", "east", "--all"), "--all", id="one and all"),
        pytest.param(("accept-drift", "web"), "--all", id="no drift accepted"),
        pytest.param(("correct-drift", "web", "east", "--all"), "--all", id="one drift and all"),
    ],
)
def test_what_contradicts_itself_says_what_to_try(arguments: tuple[str, ...], told: str, nobody: Path) -> None:
    said = CliRunner().invoke(root, [*arguments, f"--kubeconfig={nobody}"])
    assert (said.exit_code, said.stdout) == (2, "")
    assert told in said.stderr
