import re
import subprocess
import sys
from pathlib import Path

import pytest

from multicloud.cli.root import root
from support.commandline import environment, multicloud_says

HEAVY = (
    "aiohttp",
    "azure",
    "boto3",
    "google",
    "highspy",
    "kopf",
    "kubernetes",
    "matplotlib",
    "pydantic",
    "rich",
    "structlog",
    "yaml",
)


def test_help_names_every_command_of_the_first_form() -> None:
    said = multicloud_says("--help")
    assert said.returncode == 0
    commands = said.stdout.partition("Commands:")[2]
    listed = re.findall(r"^  ([a-z-]+) ", commands, re.MULTILINE)
    assert sorted(listed) == [
        "accept-drift",
        "adopt",
        "approve",
        "check",
        "correct-drift",
        "cost",
        "crds",
        "demo",
        "explain",
        "lab",
        "override",
        "pause",
        "plan",
        "resume",
        "run",
        "simulate",
        "start",
        "status",
        "stop",
    ]


@pytest.mark.parametrize("name", sorted(set(root.commands) - {"lab"}))
def test_every_command_explains_itself(name: str) -> None:
    said = multicloud_says(name, "--help")
    assert said.returncode == 0
    assert said.stdout.startswith(f"Usage: multicloud {name}")


def test_help_loads_nothing_heavy() -> None:
    look = "import sys, multicloud.__main__; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", look], env=environment(), capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {name.partition(".")[0] for name in loaded} & set(HEAVY)


@pytest.mark.parametrize(
    ("called", "shown"),
    [("multicloud", "multicloud"), ("kubectl-multicloud", "kubectl multicloud")],
    ids=["by its name", "as a plugin of kubectl"],
)
def test_help_shows_the_name_that_a_person_typed(tmp_path: Path, called: str, shown: str) -> None:
    program = tmp_path / called
    program.write_text(f"#!{sys.executable}\nfrom multicloud.__main__ import main\nmain()\n")
    program.chmod(0o755)
    said = subprocess.run([program, "stop", "--help"], env=environment(), capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"Usage: {shown} stop ")


def test_the_lab_gets_its_own_options() -> None:
    said = multicloud_says("lab", "--no-control-plane", "--clock-factor", "-3")
    assert said.returncode == 2
    assert "argument --clock-factor" in said.stderr
