"""docs/scaling.md: its policies are played, its commands run, its pictures are those that they draw, its table is the bench's."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from rich.console import Console

from multicloud.cli.root import root
from multicloud.cli.shown import pool_row
from multicloud.cli.tables import pools_table
from support.commandline import SOURCE, environment
from support.decided import decided
from support.manifests import policy, pool
from support.scaling import read, standing

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "scaling.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = [text for language, text in BLOCKS if language == "bash"]
POLICIES = {text.partition("\n")[0].removeprefix("# "): text for language, text in BLOCKS if language == "yaml"}
PICTURES = re.findall(r"!\[.+?\]\(pictures/(.+?)\)", TEXT)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with every policy under its name."""
    place = tmp_path_factory.mktemp("scaling")
    for name, text in POLICIES.items():
        (place / name).write_text(text)
    return place


def shell() -> Mapping[str, str]:
    """What a reader's terminal has after `make setup`, in a clone."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return environment(PATH=path, PYTHONPATH=os.pathsep.join([SOURCE, str(ROOT)]))


def test_the_page_holds_only_what_is_tried() -> None:
    assert {language for language, _ in BLOCKS} == {"bash", "yaml", "text"}
    assert all(re.fullmatch(r"[a-z-]+\.yaml", name) for name in POLICIES)
    assert len(POLICIES) == sum(language == "yaml" for language, _ in BLOCKS)


def test_every_command_works_and_draws_the_pictures_of_the_page(desk: Path) -> None:
    for text in COMMANDS:
        said = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],  # noqa: S607 - the reader's own
            cwd=desk,
            env=shell(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert said.returncode == 0, f"{text}\n{said.stderr}"
    assert sorted(PICTURES) == sorted(file.name for file in desk.glob("*.png"))
    for name in PICTURES:
        assert (PAGE.parent / "pictures" / name).read_bytes().startswith(b"\x89PNG")


async def test_the_table_of_a_policy_is_the_one_that_status_draws() -> None:
    passes = [(20, 20, 4000), (20, 20, 8000), (40, 30, 10000)]
    seen = await decided(policy("load"), *((standing(now, ready), [read("rps", load)]) for now, ready, load in passes))
    ready = {"type": "Ready", "status": "True", "reason": "EnoughReady", "message": ""}
    body = {**pool(members=[]), "status": {"replicas": 30, "desiredReplicas": 50, "conditions": [ready]}}
    console = Console(width=80, highlight=False)
    with console.capture() as captured:
        console.print(pools_table([pool_row(body, [seen])], wide=False, namespaces=False))
    (shown,) = (text for language, text in BLOCKS if language == "text")
    assert [line.rstrip() for line in captured.get().splitlines()] == shown.splitlines()


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_can_be_played(desk: Path, name: str) -> None:
    metrics = [metric["name"] for metric in yaml.safe_load(POLICIES[name])["spec"].get("metrics", ())] or ["load"]
    load = desk / f"{name}.csv"
    rows = [",".join([str(1800 * place), *["90"] * len(metrics)]) for place in range(48)]
    load.write_text("\n".join([",".join(["seconds", *metrics]), *rows]))
    said = CliRunner().invoke(
        root, ["simulate", "-f", str(desk / name), "--trace", str(load), "--interval=1800", "--unit-capacity=10"]
    )
    assert said.exit_code == 0, said.stderr


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    assert not [link for link in links if not PAGE.parent.joinpath(link).exists()]


@pytest.mark.long
def test_the_table_is_what_the_bench_prints() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "bench.scaling"], cwd=ROOT, env=shell(), capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() in TEXT
