"""Decisions written down on request, or whenever one changes something, and made again from the file."""

import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.decide.scale.policy import decide_policy
from multicloud.kinds.recorded import RecordedPolicy, RecordedPool, recorded_decision, without_sentences
from multicloud.model.reason import Code
from multicloud.model.ref import Kind
from multicloud.settings import Metrics, Prometheus, Recordings
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.prometheus import ScriptedPrometheus
from support.world import NAMESPACE, World

__all__ = ["lab"]

ASK = "multicloud.dev/record-decision"


@pytest.fixture
async def prometheus() -> AsyncIterator[ScriptedPrometheus]:
    async with ScriptedPrometheus() as server:
        yield server


@pytest.fixture
def source(prometheus: ScriptedPrometheus) -> Metrics:
    return Metrics(
        prometheus={"main": Prometheus(url=prometheus.url, namespaces=(NAMESPACE,), timeout_s=2)},
    )


def ask(world: World, kind: Kind, word: str) -> None:
    """`kubectl annotate`."""
    body = copy.deepcopy(next(body for key, body in world.cluster.objects.items() if key.kind is kind))
    body["metadata"].setdefault("annotations", {})[ASK] = word
    world.apply(body)


def told(world: World, code: Code) -> list[str]:
    return [note.reason.text for note in world.cluster.events if note.reason.code is code]


def recorded(directory: Path) -> list[Path]:
    """The files, the oldest first."""
    return sorted(directory.glob("*"))


def same(file: Path) -> bool:
    """Whether the decision made again is the one in the file."""
    found = recorded_decision(file.read_bytes())
    match found:
        case RecordedPool():
            return without_sentences(decide(found.snapshot)) == found.plan
        case RecordedPolicy(judged=judged):
            again = decide_policy(judged.spec, judged.readings, judged.standing, judged.history, judged.at)
            return without_sentences(again) == judged.decision


async def test_a_decision_is_recorded_once_for_each_new_word_and_is_the_same_when_made_again(
    lab: LabThread, prometheus: ScriptedPrometheus, source: Metrics, tmp_path: Path
) -> None:
    directory = tmp_path / "decisions"
    async with World(lab, metrics=source, recordings=Recordings(directory=directory)) as world:
        prometheus.now = world.clock.now
        prometheus.values["load"] = 3000
        world.pool(adoption="Apply")
        world.policy()
        await world.run_for(minutes=10)
        assert not recorded(directory)
        for word in ("first", "first", "second"):
            ask(world, Kind.POOL, word)
            ask(world, Kind.POLICY, word)
            await world.run_for(minutes=3)
        files = recorded(directory)
        assert [file.name.split("-", 2)[2] for file in files] == 2 * [
            "multicloudpool-shop-web.json",
            "scalingpolicy-shop-web.json",
        ]
        assert all(same(file) for file in files)
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert told(world, Code.DECISION_RECORDED) == [f"as {file.name}, in recordings.directory" for file in files]


async def test_every_decision_that_changes_something_is_recorded_where_the_administrator_says_so(
    lab: LabThread, prometheus: ScriptedPrometheus, source: Metrics, tmp_path: Path
) -> None:
    kept = Recordings(directory=tmp_path, changes=True, max_files=8)
    async with World(lab, metrics=source, recordings=kept) as world:
        prometheus.now = world.clock.now
        prometheus.values["load"] = 1200
        world.pool(adoption="Apply")
        world.policy()
        await world.run_for(minutes=10)
        prometheus.values["load"] = 3000
        await world.run_for(minutes=15)
        grown = [recorded_decision(file.read_bytes()) for file in recorded(tmp_path)]
        assert any(isinstance(one, RecordedPolicy) and one.judged.decision.desired == 30 for one in grown)
        asked = [one.plan for one in grown if isinstance(one, RecordedPool)]
        assert {member.name for plan in asked for member in plan.members if member.ask is not None}
        before = recorded(tmp_path)
        await world.run_for(hours=1)
        assert recorded(tmp_path) == before
        prometheus.values["load"] = 1200
        await world.run_for(hours=1)
        files = recorded(tmp_path)
        assert len(files) == 8
        assert files[-1] not in before
        assert all(same(file) for file in files)
        assert told(world, Code.DECISION_RECORDED) == []


async def test_what_cannot_be_written_is_told_and_holds_up_nothing(lab: LabThread, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for kept, why in ((Recordings(), "recordings.directory is not set"), (Recordings(directory=tmp_path / "file"), "")):
        async with World(lab, recordings=kept) as world:
            world.pool(adoption="Apply", replicas=12)
            await world.run_for(minutes=5)
            ask(world, Kind.POOL, "now")
            world.edit(replicas=15, annotations={ASK: "now"})
            await world.run_for(minutes=15)
            (text,) = told(world, Code.DECISION_NOT_RECORDED)
            assert why in text
            assert world.status()["replicas"] == 15


async def test_nothing_of_the_cloud_and_no_secret_is_in_a_file(lab: LabThread, tmp_path: Path) -> None:
    async with World(lab, recordings=Recordings(directory=tmp_path)) as world:
        world.pool(adoption="Apply", replicas=12)
        await world.run_for(minutes=5)
        ask(world, Kind.POOL, "now")
        await world.run_for(minutes=1)
        (file,) = recorded(tmp_path)
        text = file.read_text()
        secrets = [value.decode() for block in world.cluster.secrets.values() for value in block.values()]
        assert not [secret for secret in secrets if secret in text]
        pool: dict[str, Any] = next(body for key, body in world.cluster.objects.items() if key.kind is Kind.POOL)
        blocks = [
            member[name] for member in pool["spec"]["members"] for name in ("eks", "aks", "gke") if name in member
        ]
        called = {block[field] for block in blocks for field in block if field not in {"region", "location"}}
        called |= {word for member in pool["status"]["members"] for word in member["claim"]["key"].split("/")}
        harmless = {"", "web", "shop", "aws", "gcp", "us-east-1", "europe-west1-b"}  # in Kubernetes, too, and regions
        assert called > harmless
        assert not [word for word in called - harmless if word in text]
        found = recorded_decision(file.read_bytes())
        assert isinstance(found, RecordedPool)
        places = [view.node_pool for view in found.snapshot.members]
        assert all(word.startswith("name-") for place in places for word in (place.name, place.cluster.name))
