"""`multicloud simulate` as a program, and what it plays."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from multicloud.cli.root import root
from multicloud.cli.simulate.files import NamedPolicy
from multicloud.cli.simulate.running import Booting, Terms, play
from multicloud.cli.simulate.trace import Trace
from multicloud.model.policy import MetricSpec, PendingPods, PolicySpec
from support.builders import NOW, seconds
from support.commandline import multicloud_says

AVERAGE = {"type": "AverageValue", "value": "1"}


def policy(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A Step between 50 and 500, unless said."""
    usual: dict[str, Any] = {
        "poolRef": {"name": "web"},
        "minReplicas": 50,
        "maxReplicas": 500,
        "algorithm": "Step",
        "metrics": [{"name": "rps", "prometheus": {"query": "load"}, "target": AVERAGE}],
    }
    return {
        "apiVersion": "multicloud.dev/v1alpha1",
        "kind": "ScalingPolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": usual | spec,
    }


class Desk:
    """A directory with files, and the command."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.told = ""

    def write(self, name: str, *bodies: dict[str, Any]) -> str:
        file = self.place / name
        file.write_text(yaml.safe_dump_all(bodies))
        return str(file)

    def load(self, *values: float, every_s: int = 30) -> str:
        file = self.place / "load.csv"
        rows = [f"{every_s * place},{value}" for place, value in enumerate(values)]
        file.write_text("\n".join(["seconds,rps", *rows]))
        return str(file)

    def says(self, *arguments: str) -> Any:
        """The JSON of a run."""
        return json.loads(self.prints(*arguments, "--output=json"))

    def prints(self, *arguments: str) -> str:
        """What a run prints."""
        said = CliRunner().invoke(root, ["simulate", *arguments])
        assert said.exit_code == 0, said.stderr
        self.told = said.stderr
        return said.stdout

    def refuses(self, *arguments: str) -> str:
        said = CliRunner().invoke(root, ["simulate", *arguments])
        assert said.exit_code in {1, 2}
        assert isinstance(said.exception, SystemExit)
        return said.stderr


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("load", "start", "end"),
    [
        pytest.param(85, 100, 150, id="0.85 at 100"),
        pytest.param(392, 400, 500, id="0.98 at 400"),
        pytest.param(15, 60, 50, id="0.25 at 60"),
        pytest.param(60, 100, 100, id="0.60 at 100"),
    ],
)
def test_a_steady_load_ends_where_it_must(desk: Desk, load: float, start: int, end: int) -> None:
    found = desk.says(
        f"--filename={desk.write('p.yaml', policy())}",
        f"--trace={desk.load(*[load] * 40)}",
        f"--start-replicas={start}",
    )
    assert set(found) == {"steps", "summary"}
    assert found["steps"][-1]["desired"] == end
    assert found["steps"][-1]["ready"] == end
    assert set(found["steps"][0]) == {"seconds", "load", "desired", "ready", "reason"}
    summary = found["summary"]
    assert (summary["reversals"], summary["maxStepOutsideBounds"]) == (0, 0)
    assert summary["resizes"] == (end != start)


def test_nodes_that_are_due_become_ready_before_the_load_is_judged(desk: Desk) -> None:
    found = desk.says(
        f"--filename={desk.write('p.yaml', policy())}",
        f"--trace={desk.load(*[85] * 8)}",
        "--start-replicas=100",
        "--boot-seconds=60",
        "--unit-capacity=0.8",
    )
    assert [step["ready"] for step in found["steps"]] == [100, 100, 150, 150, 150, 150, 150, 150]
    assert found["summary"]["underPercent"] == 25.0
    assert found["summary"]["unitHours"] == round(8 * 150 * 30 / 3600, 6)


def test_the_same_seed_gives_the_same_bytes(desk: Desk) -> None:
    arguments = (
        f"--filename={desk.write('p.yaml', policy())}",
        f"--trace={desk.load(60, 90, 150, 20)}",
        "--output=json",
    )
    first, second = (multicloud_says("simulate", *arguments, "--seed=7") for _ in range(2))
    assert first.returncode == 0
    assert first.stdout == second.stdout


def test_the_interval_is_the_policys_or_any_number(desk: Desk) -> None:
    file, load = desk.write("p.yaml", policy(intervalSeconds=60)), desk.load(*[60] * 5)
    assert [step["seconds"] for step in desk.says("-f", file, "--trace", load)["steps"]] == [0, 60, 120]
    found = desk.says("-f", file, "--trace", load, "--interval", "0.5")["steps"]
    assert [step["seconds"] for step in found[:3]] == [0, 0.5, 1]
    assert len(found) == 241


def test_shares_are_told_in_units(desk: Desk) -> None:
    metrics = [{"name": "rps", "resource": {"name": "cpu"}, "target": {"type": "Utilization", "value": "50"}}]
    file = desk.write("p.yaml", policy(algorithm="TargetTracking", metrics=metrics, minReplicas=1))
    found = desk.says("-f", file, "--trace", desk.load(10, 10, 19, 19), "--start-replicas=20", "--boot-seconds=0")
    assert [step["desired"] for step in found["steps"]] == [20, 20, 38, 38]


def test_pods_that_wait_are_told_in_units() -> None:
    spec = PolicySpec(pool="web", metrics=(MetricSpec(name="pending", source=PendingPods(), target=None),))
    trace = Trace(load="pending", seconds=[0.0, 30.0], milli={"pending": [10_000, 17_500]})
    terms = Terms(unit_capacity=1.0, interval_s=30.0, start=10, low=0, high=100)
    run = play(NamedPolicy(name="p", spec=spec), trace, terms, Booting(10, 0.0), lambda _: None)
    assert [step.desired for step in run.steps] == [10, 18]


def test_schedules_see_seconds_as_a_clock(desk: Desk) -> None:
    schedule = {"name": "day", "schedule": "0 1 * * *", "durationSeconds": 3600, "minReplicas": 80}
    file = desk.write("p.yaml", policy(metrics=[], schedules=[schedule], algorithm="TargetTracking"))
    (desk.place / "load.csv").write_text("seconds,people\n0,1\n10800,1\n")
    steps = desk.says("-f", file, "--trace", str(desk.place / "load.csv"), "--interval=1800", "--unit-capacity=1")[
        "steps"
    ]
    assert [step["desired"] for step in steps] == [50, 50, 80, 80, 50, 50, 50]


def test_several_policies_are_compared(desk: Desk) -> None:
    first, second = desk.write("a.yaml", policy("a")), desk.write("b.yaml", policy("b", algorithm="TargetTracking"))
    load = desk.load(*[85] * 20)
    for others in (["--compare", second, first], ["--compare", f"{second}", "--compare", first]):
        found = desk.says("-f", first, "--trace", load, *others)
        assert (found["policy"], [one["policy"] for one in found["compared"]]) == ("a", ["b", "a"])
        assert found["compared"][1]["summary"] == found["summary"]
    printed = desk.prints("-f", first, "--trace", load, "--compare", second)
    assert [line.split()[0] for line in printed.splitlines()] == ["POLICY", "a", "b"]


def test_with_a_pool_its_bounds_are_outermost_and_its_members_are_late(desk: Desk) -> None:
    members = [
        {
            "name": "eks",
            "accountRef": {"name": "aws"},
            "eks": {"cluster": "shop", "region": "us-east-1", "nodeGroup": "web"},
            "maxNodes": 60,
            "hourlyPrice": "0.5",
        },
        {
            "name": "gke",
            "accountRef": {"name": "gcp"},
            "gke": {"cluster": "shop", "location": "europe-west1-b", "nodePool": "web"},
            "maxNodes": 60,
            "hourlyPrice": "0.5",
        },
    ]
    pool = {
        "apiVersion": "multicloud.dev/v1alpha1",
        "kind": "MultiCloudPool",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"minReplicas": 60, "maxReplicas": 100, "members": members},
    }
    files = ",".join([desk.write("p.yaml", policy()), desk.write("pool.yaml", pool)])
    other = desk.write("other.yaml", policy("other", algorithm="TargetTracking"))
    found = desk.says("-f", files, "--trace", desk.load(*[90] * 30), "--boot-seconds=120", "--compare", other)
    steps = found["steps"]
    assert (steps[0]["ready"], steps[0]["desired"], steps[-1]["desired"], steps[-1]["ready"]) == (60, 90, 100, 100)
    assert steps[3]["ready"] == 60
    assert found["summary"]["maxStepOutsideBounds"] == 0
    assert found["compared"][0]["steps"][-1]["desired"] == 90
    assert steps[-1]["hourlyCost"] == 50.0
    assert found["summary"]["cost"] == round(sum(step["hourlyCost"] for step in steps) * 30 / 3600, 6)
    assert "COST" in desk.prints("-f", files, "--trace", desk.load(90, 90))


@pytest.mark.parametrize(("suffix", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_picture_is_drawn_the_same_each_time(desk: Desk, suffix: str, begins: bytes) -> None:
    file, load = desk.write("p.yaml", policy()), desk.load(*[60, 90, 400, 20] * 10)
    drawn = []
    for name in ("a", "b"):
        desk.prints("-f", file, "--trace", load, "--compare", file, "--plot", str(desk.place / f"{name}.{suffix}"))
        drawn.append((desk.place / f"{name}.{suffix}").read_bytes())
    assert drawn[0].startswith(begins)
    assert drawn[0] == drawn[1]


def test_a_long_run_tells_how_far_it_is(desk: Desk) -> None:
    desk.prints("-f", desk.write("p.yaml", policy()), "--trace", desk.load(60, 60, every_s=6000), "--interval=0.1")
    assert desk.told == "web: 50000 of 60001 steps\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--trace", "LOAD"], "Missing option '-f'", id="no policy"),
        pytest.param(["-f", "P"], "Missing option '--trace'", id="no trace"),
        pytest.param(["-f", "P", "--trace", "LOAD", "--interval=0"], "0 is not above 0", id="no interval"),
        pytest.param(["-f", "P", "--trace", "LOAD", "--interval=inf"], "inf is not above 0", id="an endless interval"),
        pytest.param(["-f", "P", "--trace", "LOAD", "--unit-capacity=x"], "'x' is no number", id="no capacity"),
        pytest.param(["-f", "P", "--trace", "LOAD", "--plot=a.gif"], ".png or .svg", id="no such picture"),
        pytest.param(["-f", "P", "--trace", "LOAD", "P"], "--compare", id="a policy that nobody asked for"),
        pytest.param(["-f", "TWO", "--trace", "LOAD"], "2 ScalingPolicies; one is played", id="two policies"),
        pytest.param(["-f", "NONE", "--trace", "LOAD"], "no ScalingPolicies", id="none"),
        pytest.param(["-f", "nowhere.yaml", "--trace", "LOAD"], "nowhere.yaml: No such file", id="no file"),
        pytest.param(["-f", "BAD", "--trace", "LOAD"], "spec.minReplicas", id="a policy that cannot be understood"),
        pytest.param(["-f", "SWINGS", "--trace", "LOAD"], "oscillates", id="a step that oscillates"),
        pytest.param(["-f", "RATIO", "--trace", "LOAD"], "--unit-capacity", id="no target per unit"),
    ],
)
def test_mistakes_are_told(desk: Desk, arguments: list[str], said: str) -> None:
    ratio = [{"name": "rps", "prometheus": {"query": "q"}, "target": {"type": "Value", "value": "1"}}]
    names = {
        "P": desk.write("p.yaml", policy()),
        "TWO": desk.write("two.yaml", policy("a"), policy("b")),
        "NONE": desk.write("none.yaml", {"kind": "ConfigMap"}),
        "BAD": desk.write("bad.yaml", policy(minReplicas="many")),
        "SWINGS": desk.write("swings.yaml", policy(step={"scaleDownBelow": "0.8"})),
        "RATIO": desk.write("ratio.yaml", policy(metrics=ratio)),
        "LOAD": desk.load(60, 60),
    }
    assert said in desk.refuses(*(names.get(word, word) for word in arguments))


def test_units_that_still_boot_go_first() -> None:
    supply = Booting(10, boot_s=60)
    supply.order(14, NOW)
    supply.order(20, NOW + seconds(30))
    assert (supply.ready, supply.units) == (10, 20)
    supply.order(12, NOW + seconds(40))
    assert (supply.ready, supply.units) == (10, 12)
    supply.arrive(NOW + timedelta(seconds=60))
    assert (supply.ready, supply.units) == (12, 12)
    supply.order(5, NOW + seconds(70))
    assert (supply.ready, supply.units) == (5, 5)
