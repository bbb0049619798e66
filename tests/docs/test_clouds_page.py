"""docs/clouds.md: its commands run on the emulated clouds, its numbers are what the operator really does."""

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from multicloud.cli.root import root
from multicloud.clouds.pace import PACES, Rate
from multicloud.model.ref import Cloud
from multicloud_lab.thread import LabThread
from support.checking import bench
from support.lab import lab
from support.world import NAMESPACE, World

__all__ = ["lab"]

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "clouds.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```bash\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) for line in block.splitlines()
]
CLOUDS = {"AWS": "aws", "Azure": "azure", "Google": "gcp"}
FLEET = {"node group of such a cluster": 2}
"""How many there are of what a call is made for, in the story below; of everything else there is one."""


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_works(lab: LabThread, tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(line)
    assert program == "multicloud"
    with bench(lab, tmp_path) as ground:
        ground.given_cloud(*Cloud)
        files = [f"--kubeconfig={ground.kubeconfig}", f"--settings={ground.settings}", f"--namespace={NAMESPACE}"]
        said = CliRunner().invoke(root, [*arguments, *files], catch_exceptions=False)
    assert said.exit_code == 0, said.output


async def test_an_hour_at_rest_takes_the_calls_that_the_page_says(lab: LabThread) -> None:
    told = {
        (CLOUDS[cloud], call): int(count) * FLEET.get(what, 1)
        for cloud, call, what, count in re.findall(r"^\| (\w+) \| `([\w.]+)` \| (.+?) \| (\d+) \|$", PAGE, re.MULTILINE)
    }
    async with World(lab) as world:
        world.pool()
        await world.run_for(minutes=20)
        before = len(lab.journal())
        await world.run_for(minutes=60)
    counted = Counter((str(entry["cloud"]), str(entry["operation"])) for entry in lab.journal()[before:])
    tokens = {("azure", "Entra_Token"), ("gcp", "token")}
    assert {call: count for call, count in counted.items() if call not in tokens} == told


@pytest.mark.parametrize(
    ("api", "cloud"),
    [
        ("EKS, Auto Scaling", Cloud.AWS),
        ("Azure Resource Manager", Cloud.AZURE),
        ("Kubernetes Engine", Cloud.GCP),
    ],
)
def test_our_own_limits_are_those_of_the_page(api: str, cloud: Cloud) -> None:
    (row,) = re.findall(rf"^\| {api} \| .+ \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert row == (said(PACES[cloud].read), said(PACES[cloud].write))


def said(rate: Rate) -> str:
    return f"{rate.burst:g}, then {rate.per_s:g}/s"


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)(#[\w-]+)?\)", PAGE)
    assert links
    for path, anchor in links:
        assert (DOCS / path).exists()
        titles = re.findall(r"^#+ (.+)$", (DOCS / path).read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {f"#{title.lower().replace(' ', '-')}" for title in titles}
