"""Random changes, hands, faults, limits and clock steps on EKS alone: every rule holds, and the journal replays."""

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.faultkinds import (
    Action,
    DuplicateApply,
    OperationFail,
    OperationForgotten,
    OperationStuck,
    Partial,
    Preempt,
    SlowNodes,
    Stockout,
)
from multicloud_lab.core.faults import Fault
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.invariants import check
from multicloud_lab.core.lab import Lab, RefusedError
from multicloud_lab.core.nodes import NodeState
from multicloud_lab.core.replay import differences, play
from multicloud_lab.core.seed import AwsSeed, EksCluster, EksNodegroup, Seed
from multicloud_lab.eks import EksEngine
from multicloud_lab.eks.serving import make_call
from multicloud_lab.eks.sessions import user

ROLE = "arn:aws:iam::111122223333:role/nodes"
ACTIONS: list[Action] = [
    OperationFail(code="NodeCreationFailure"),
    OperationFail(),
    OperationStuck(),
    OperationForgotten(),
    Partial(nodes=1),
    DuplicateApply(),
    Preempt(),
    SlowNodes(factor=3),
    Stockout(zone="us-east-1a"),
]
SEED = Seed(
    aws=AwsSeed(
        clusters=(
            EksCluster(
                name="one",
                nodegroups=(EksNodegroup(name="web"), EksNodegroup(name="spot", capacity_type="SPOT", min=1)),
            ),
            EksCluster(name="two", region="eu-west-1", nodegroups=(EksNodegroup(name="web", desired=1, max=9),)),
        )
    )
)


def fresh(seed: Seed) -> Lab:
    lab = Lab(seed)
    lab.engines["aws"] = EksEngine(lab)
    return lab


def engine_of(lab: Lab) -> EksEngine:
    engine = lab.engines["aws"]
    assert isinstance(engine, EksEngine)
    return engine


def change(lab: Lab, operation: str, region: str, arguments: dict[str, object]) -> None:
    """Do and journal a change as the wire does."""
    engine = engine_of(lab)
    caller = user("lab", "AKIALAB", "111122223333", region)
    call = make_call(operation, caller, arguments)
    try:
        outcome = engine.change(operation, caller, arguments)
    except RefusedError as refused:
        lab.record(call, result=refused.code)
    else:
        lab.record(call, effective=outcome.effective, from_=outcome.from_, to=outcome.to)


def kill_the_first(lab: Lab) -> None:
    for group in lab.machines():
        for node in group.nodes.nodes:
            if node.state is not NodeState.DRAINING:
                Hands(lab).kill_node("aws", node.name)
                return


def step(lab: Lab, rng: Random) -> str:
    """Do one random thing; says what."""
    cluster, region = rng.choice([("one", "us-east-1"), ("two", "eu-west-1")])
    pool = rng.choice(["web", "web", "spot", "new"])
    named: dict[str, object] = {"clusterName": cluster, "nodegroupName": pool}
    sizes = {"minSize": rng.randint(0, 3), "maxSize": rng.randint(3, 20), "desiredSize": rng.randint(0, 20)}
    asked = dict(rng.sample(sorted(sizes.items()), rng.randint(1, 3)))
    hands = Hands(lab)
    created = {**named, "subnets": ["subnet-1", "subnet-2"], "nodeRole": ROLE, "scalingConfig": sizes}
    acts: list[tuple[str, Callable[[], object]]] = [
        (f"resize {asked}", lambda: change(lab, "UpdateNodegroupConfig", region, {**named, "scalingConfig": asked})),
        (
            "token",
            lambda: change(
                lab, "UpdateNodegroupConfig", region, {**named, "scalingConfig": asked, "clientRequestToken": "t"}
            ),
        ),
        ("version", lambda: change(lab, "UpdateNodegroupVersion", region, named)),
        ("create", lambda: change(lab, "CreateNodegroup", region, created)),
        ("delete", lambda: change(lab, "DeleteNodegroup", region, named)),
        ("delete cluster", lambda: change(lab, "DeleteCluster", region, {"name": cluster})),
        ("hand resize", lambda: hands.resize("aws", cluster, pool, rng.randint(0, 15))),
        ("autoscale", lambda: hands.autoscale("aws", cluster, pool, rng.randint(0, 15))),
        ("upgrade", lambda: hands.upgrade("aws", cluster, pool, rng.choice([60.0, 3600.0]))),
        ("take away", lambda: hands.delete("aws", cluster, rng.choice([pool, pool, None]))),
        ("make again", lambda: hands.recreate("aws", cluster, rng.choice([pool, pool, None]))),
        ("reclaim", lambda: hands.reclaim_spot("aws", nodes=rng.choice([1, None]))),
        ("kill", lambda: kill_the_first(lab)),
        (
            "fault",
            lambda: lab.faults.place(Fault(action=rng.choice(ACTIONS), times=rng.choice([1, 3]), probability=0.7)),
        ),
        ("no faults", lab.faults.lift_all),
        ("capacity", lambda: lab.capacity.set_free("aws", None, None, rng.choice([0, 3, None]))),
        ("quota", lambda: lab.quotas.set_limit("aws", "111122223333", region, Limit(nodes=rng.choice([5, None])))),
    ]
    what, act = rng.choice(acts)
    if rng.random() < 0.4:
        seconds = rng.choice([1, 4, 20, 61, 200, 2000])
        what, act = f"{seconds} s", lambda: lab.clock.advance(seconds)
    lab.clock.catch_up()  # as every request does
    try:
        act()
    except RefusedError as refused:
        return f"{what} on {cluster}/{pool}: {refused.code}"
    return f"{what} on {cluster}/{pool}"


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("part", range(5))
def test_every_rule_holds_and_the_journal_replays(seed: int, full: bool, part: int, waits: bool) -> None:
    aws = SEED.aws.model_copy(
        update={"switches": {"updateWaitsForNodes": waits, "degradedAcceptsUpdate": waits, "degradedSticky": waits}}
    )
    for number in range(100 if full else 8):
        rng = Random(f"{seed}/{part}/{number}")  # noqa: S311  (repeatable on purpose)
        lab = fresh(SEED.model_copy(update={"aws": aws}))
        done = [f"case {seed}/{part}/{number}"]
        for _ in range(60):
            done.append(step(lab, rng))
            broken = check(lab)
            assert not broken, "\n".join([*broken, *done])
        lab.clock.catch_up()
        again = fresh(lab.seed)
        entries = [replace(each, arguments=json.loads(json.dumps(each.arguments))) for each in lab.journal.entries()]
        play(entries, again, lab.clock.now())
        different = differences(lab, again)
        assert not different, "\n".join([*different, *done])
