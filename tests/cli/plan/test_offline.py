"""`multicloud plan` from files alone: what it says, what it assumes, and what it never loads."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from multicloud.cli.root import root
from support.commandline import environment
from support.manifests import account, member, pool

ROOT = Path(__file__).parents[3]

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write documents into a file, as YAML."""

    def written(*documents: Any, name: str = "pools.yaml") -> Path:
        path = tmp_path / name
        path.write_text(yaml.safe_dump_all(documents))
        return path

    return written


def plan(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(root, ["plan", *map(str, arguments)], input=stdin)


def only(result: Result) -> Mapping[str, Any]:
    """The one pool of a JSON answer."""
    (found,) = json.loads(result.stdout)["pools"]
    return dict(found)


def changes(result: Result) -> list[tuple[str, int, int]]:
    return [(one["member"], one["from"], one["to"]) for one in only(result)["plan"]["changes"]]


_TWO = [member("east"), member("west", eks={"cluster": "shop-dr", "region": "us-west-2", "nodeGroup": "web"})]


def test_without_sizes_node_pools_are_assumed_empty_and_that_is_said(write: Write) -> None:
    said = plan("-f", write(account(), pool(replicas=4)), "-o", "json")
    assert said.exit_code == 2
    assert only(said)["observed"] is False
    assert changes(said) == [("east", 0, 4)]
    assert said.stderr == "shop/web: assumed to be empty: east\n"


def test_nothing_to_do_is_exit_code_0(write: Write) -> None:
    sizes = write({"shop/web": {"east": {"requested": 4}}}, name="sizes.yaml")
    said = plan(write(account(), pool(replicas=4)), "--observed", sizes, "-o", "json")
    assert (said.exit_code, only(said)["observed"], only(said)["plan"]["changes"]) == (0, True, [])
    assert said.stderr == ""


def test_removals_are_shown_first_and_gone_last(write: Write) -> None:
    sizes = write({"shop/web": {"east": {"requested": 0}, "west": {"requested": 6}}}, name="sizes.yaml")
    wanted = pool(
        replicas=6,
        members=[_TWO[0], {**_TWO[1], "weight": 0}],
        adoption="Apply",
        disruption={"maxUnavailablePercent": 100, "maxSurgePercent": 100, "voluntaryMoves": "Always"},
    )
    files = write(account(), wanted)
    said = plan(files, "--observed", sizes, "-o", "json")
    assert changes(said) == [("west", 6, 0), ("east", 0, 6)]
    steps = only(said)["plan"]["steps"]
    assert [[(one["member"], one["from"], one["to"]) for one in step] for step in steps] == [
        [("east", 0, 6)],
        [("west", 6, 0)],
    ]
    table = plan(files, "--observed", sizes)
    assert table.exit_code == 2
    rows = table.stdout.splitlines()
    assert [row.split()[:5] for row in rows[2:4]] == [["-", "west", "6", "0", "2"], ["+", "east", "0", "6", "1"]]
    assert rows[4] == "6 nodes to remove, 6 to add, in 2 steps."


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param({"requested": 8}, [], id="found so: kept until somebody consents"),
        pytest.param({"requested": 8, "adoptionFloor": 0}, [("east", 8, 4)], id="adopted long ago"),
        pytest.param({"requested": 8, "adoptionFloor": 6}, [("east", 8, 6)], id="a floor of its own"),
    ],
)
def test_sizes_found_are_floors_as_for_the_operator(
    write: Write, size: Mapping[str, int], expected: list[tuple[str, int, int]]
) -> None:
    sizes = write({"shop/web": {"east": size}}, name="sizes.yaml")
    assert changes(plan(write(account(), pool(replicas=4)), "--observed", sizes, "-o", "json")) == expected


def test_an_entry_that_went_is_warned_of(write: Write) -> None:
    sizes = write({"shop/web": {"east": {"requested": 4}, "old": {"requested": 40}}}, name="sizes.yaml")
    said = plan(write(account(), pool(replicas=4)), "--observed", sizes)
    told = "shop/web: old is no longer a member: set state: Drain first, 40 nodes would stay and be paid\n"
    assert (said.exit_code, said.stderr) == (0, told)


@pytest.mark.parametrize(
    ("location", "zones", "sizes"),
    [
        pytest.param("europe-west1-b", "1 zone", 4, id="zonal"),
        pytest.param("europe-west1", "3 zones", 6, id="regional"),
    ],
)
def test_a_gke_location_counts_its_zones(write: Write, location: str, zones: str, sizes: int) -> None:
    gke = member("gke", "gke", gke={"location": location, "cluster": "c", "nodePool": "web"})
    said = plan(write(account("gcp"), pool(replicas=4, minReplicas=4, members=[gke])), "-o", "json")
    assert changes(said) == [("gke", 0, sizes)]
    assert f"gke: {location} is counted as {zones}\n" in said.stderr


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(
            lambda write: [write({"kind": "List", "apiVersion": "v1", "items": [account(), pool()]})], id="list"
        ),
        pytest.param(
            lambda write: ["-f", write(account(), name="a.yaml"), "-f", write(pool(), name="b.yml")], id="two"
        ),
        pytest.param(lambda write: ["-f", write(account(), pool()).parent], id="directory"),
        pytest.param(
            lambda write: [write({"kind": "Namespace", "apiVersion": "v1"}, None, account(), pool())], id="more"
        ),
    ],
)
def test_files_come_in_every_form_that_kubectl_takes(write: Write, given: Callable[[Write], list[object]]) -> None:
    assert changes(plan(*given(write), "-o", "json")) == [("east", 0, 1)]


def test_standard_input_is_a_file() -> None:
    said = plan("-", "-o", "yaml", stdin=yaml.safe_dump_all([account(), pool()]))
    assert yaml.safe_load(said.stdout)["pools"][0]["name"] == "web"


def test_one_pool_of_several(write: Write) -> None:
    other = pool("api", members=[_TWO[1]])
    said = plan("api", "-f", write(account(), pool(), other), "-o", "json")
    assert only(said)["name"] == "api"
    said = plan("nobody", "-f", write(account(), pool(), other))
    assert (said.exit_code, said.stdout) == (1, "")
    assert "no MultiCloudPool nobody in " in said.stderr


def test_what_would_not_be_done_now_is_shown_and_why(write: Write) -> None:
    said = plan(write(account(), pool(replicas=4, paused=True)))
    assert said.exit_code == 2
    assert said.stdout.endswith("Nothing of it is done now: spec.paused or the annotation multicloud.dev/paused.\n")


def _priced(**rules: Any) -> dict[str, Any]:
    """Ten units by Cost: `cheap` on AWS for 0.10, `dear` on Azure for 0.30, one unit a node (docs/allocation.md)."""
    azure = {"accountRef": {"name": "azure"}}
    both = [member("cheap", hourlyPrice="0.10"), member("dear", "aks", hourlyPrice="0.30", **azure)]
    return pool(replicas=10, maxReplicas=20, currency="EUR", allocation={"strategy": "Cost", **rules}, members=both)


def _accounts() -> list[dict[str, Any]]:
    azure = account("azure")
    return [account(), {**azure, "metadata": {**azure["metadata"], "name": "azure"}}]


def test_what_surviving_costs_is_told_in_every_form(write: Write) -> None:
    files = write(*_accounts(), _priced(survive=[{"loss": "Cloud", "keepPercent": 40}]))
    (found,) = yaml.safe_load(plan(files, "-o", "yaml").stdout)["pools"]
    assert only(plan(files, "-o", "json")) == found
    planned = found["plan"]
    assert set(found) == {"namespace", "name", "observed", "plan"}
    assert planned.pop("hash")
    assert planned == {
        "changes": [
            {"member": "cheap", "from": 0, "to": 6, "reason": "GrowForShortage"},
            {"member": "dear", "from": 0, "to": 4, "reason": "GrowForShortage"},
        ],
        "hourlyCost": "1.80",
        "hourlyCostNow": "0.00",
        "shortage": 0,
        "bindingConstraints": [{"name": "allocation.survive[Cloud]", "costsPerHour": "0.8"}],
        "relaxed": [],
        "gap": "0",
        "steps": [planned["changes"]],
    }
    for form in ("table", "wide"):
        told = plan(files, "-o", form).stdout.splitlines()[-1]
        assert told == "What binds: allocation.survive[Cloud], which costs 0.8 EUR an hour."


def test_what_a_maximum_costs_is_unknown_without_every_price(write: Write) -> None:
    wanted = _priced()
    wanted["spec"]["members"][0]["maxNodes"] = 4
    del wanted["spec"]["members"][1]["hourlyPrice"]
    wanted["spec"]["allocation"]["strategy"] = "Priority"
    wanted["spec"]["members"][0]["priority"] = 1
    files = write(*_accounts(), wanted)
    planned = only(plan(files, "-o", "json"))["plan"]
    assert planned["bindingConstraints"] == [{"name": "members[cheap].maxNodes", "costsPerHour": None}]
    assert (planned["hourlyCost"], planned["hourlyCostNow"]) == (None, "0.00")
    told = plan(files).stdout.splitlines()[-1]
    assert told == "What binds: members[cheap].maxNodes; what it costs is not known, for a price is missing."


def test_pools_of_two_currencies_are_planned_and_their_amounts_said_not_to_add_up(write: Write) -> None:
    """No document sums over pools, so that it is nothing to refuse; who sums has to know."""
    west = pool("west", members=[_TWO[1]], currency="EUR")
    files = write(account(), pool("east", members=[_TWO[0]]), west)
    told = f"{files}: MultiCloudPool shop/west: spec.currency: EUR, but USD in {files}: MultiCloudPool shop/east: amounts do not add up"
    said = plan(files, "-o", "json")
    assert (said.exit_code, said.stderr.splitlines()[0]) == (2, told)
    assert set(json.loads(said.stdout)) == {"pools"}
    assert "do not add up" not in plan("west", "-f", files).stderr


def test_what_gave_way_is_in_the_document(write: Write) -> None:
    files = write(*_accounts(), _priced(maxHourlyCost="0.80"))
    planned = only(plan(files, "-o", "json"))["plan"]
    assert (planned["shortage"], planned["hourlyCost"], planned["gap"]) == (2, "0.80", "0")
    assert [(one["name"], one["by"], bool(one["wouldHelp"])) for one in planned["relaxed"]] == [
        ("desiredReplicas", 2, True)
    ]
    assert planned["bindingConstraints"] == [{"name": "allocation.maxHourlyCost", "costsPerHour": "-0.2"}]


def test_the_sample_of_a_drain_is_what_its_words_say() -> None:
    sample = ROOT / "deploy" / "samples" / "plan"
    said = plan("-f", sample / "pools.yaml", "--observed", sample / "sizes.yaml", "-o", "json")
    assert (said.exit_code, only(said)["observed"]) == (2, True)
    assert changes(said) == [("oregon", 9, 0), ("belgium", 6, 12), ("virginia", 9, 12)]
    steps = only(said)["plan"]["steps"]
    names = [sorted(one["member"] for one in step) for step in steps]
    assert names == [["belgium", "virginia"], *[["oregon"]] * 3]


def test_the_samples_need_neither_cluster_nor_sdk() -> None:
    look = (
        "import sys\nfrom multicloud.cli.root import root\n"
        "try: root(['plan', '-f', 'deploy/samples', '-o', 'json'])\n"
        "except SystemExit as ended: print(ended.code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["pools"][0]["name"] == "web"
    code, *loaded = done.stderr.splitlines()[-1].split()
    heavy = {"aiohttp", "azure", "boto3", "botocore", "google", "grpc", "kopf", "kubernetes", "prometheus_client"}
    assert code == "2"
    assert not {name.partition(".")[0] for name in loaded} & heavy
