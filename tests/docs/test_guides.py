"""Every command and every manifest of the guides, tried: commands beside a demo that has played its story."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.commandline import command, environment
from support.waiting import until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GUIDES = (
    "README.md",
    "docs/try-it.md",
    "docs/stop-and-pause.md",
    "docs/adoption.md",
    "docs/drift.md",
    "docs/plan.md",
    "docs/failover.md",
    "docs/scale-down.md",
    "docs/cluster-access.md",
    "docs/operations.md",
    "docs/allocation.md",
)
ELSEWHERE = {"make demo\nmake test": "the first is what the fixture starts, the second is what runs this test"}
"""Blocks that are not run here, and where they are."""

STORY_WITHIN_S = 120.0
BLOCK_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: what it is, what it says, and where."""

    language: str
    text: str
    place: str


def blocks(path: str) -> list[Block]:
    lines = (ROOT / path).read_text().splitlines()
    found: list[Block] = []
    opened: int | None = None
    for number, line in enumerate(lines, start=1):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number
            continue
        language = lines[opened - 1].removeprefix("```")
        text = "\n".join(lines[opened : number - 1])
        found.append(Block(language=language, text=text, place=f"{path}:{opened}"))
        opened = None
    assert opened is None, f"{path}:{opened}: the block does not end"
    return found


ALL = [block for guide in GUIDES for block in blocks(guide)]
COMMANDS = [block for block in ALL if block.language == "bash" and block.text not in ELSEWHERE]
MANIFESTS = [block for block in ALL if block.language == "yaml"]


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_holds_only_what_is_tried_or_plain_text(guide: str) -> None:
    assert {block.language for block in blocks(guide)} <= {"bash", "yaml", "text"}


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / guide).read_text())
    assert links
    missing = [link for link in links if not (ROOT / guide).parent.joinpath(link).exists()]
    assert not missing


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondTerminal:
    """Where a reader types: beside a demo, with the lines it printed pasted."""

    bash: str
    variables: Mapping[str, str]

    def type(self, text: str, *, then: str = "") -> subprocess.CompletedProcess[str]:
        """Run the commands of `text`; `then` is what they read."""
        return subprocess.run(
            [self.bash, "-euo", "pipefail", "-c", text],
            cwd=ROOT,
            env=self.variables,
            input=then,
            capture_output=True,
            text=True,
            timeout=BLOCK_WITHIN_S,
            check=False,
        )


@pytest.fixture(scope="module")
def terminal(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondTerminal]:
    bash = shutil.which("bash")
    assert bash is not None, "the guides are written for bash"
    out = tmp_path_factory.mktemp("demo") / "out"
    with out.open("wb") as file:
        demo = subprocess.Popen(
            command("demo"),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        until(
            lambda: "The story is over" in out.read_text() or demo.poll() is not None,
            "the story is over",
            timeout_s=STORY_WITHIN_S,
            tell=out.read_text,
        )
        printed = re.search(r"^export KUBECONFIG=(\S+)$", out.read_text(), re.MULTILINE)
        assert printed is not None, out.read_text()
        programs = [Path(sys.executable).parent, control_plane.programs.kubectl.parent]
        path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
        yield SecondTerminal(bash=bash, variables={**environment(), "KUBECONFIG": printed[1], "PATH": path})
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


@pytest.mark.parametrize("block", COMMANDS, ids=lambda block: block.place)
def test_the_commands_of_a_block_work(terminal: SecondTerminal, block: Block) -> None:
    said = terminal.type(block.text)
    if said.returncode != 0:
        state = terminal.type("kubectl get mcpool/web --namespace=shop --output=yaml").stdout
        pytest.fail(f"{block.place}\n{block.text}\n{said.stdout}\n{said.stderr}\n{state}")


@pytest.mark.parametrize("block", MANIFESTS, ids=lambda block: block.place)
def test_a_manifest_is_taken_by_the_api_server(terminal: SecondTerminal, block: Block) -> None:
    said = terminal.type("kubectl apply --dry-run=server --filename=-", then=block.text)
    assert said.returncode == 0, said.stderr
