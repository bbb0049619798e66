"""What members' own clusters show: a floor for removals and other people's autoscalers; never a reason to grow."""

import pytest

from multicloud.decide import decide
from multicloud.model.member import Counted, Inside
from multicloud.model.plan import Plan
from multicloud.model.reason import Code
from multicloud.model.spec import Detect
from support.builders import Member, asked, member, of, snapshot, targets


def shows(needed: int, nodes: int = 10) -> Inside:
    return Inside(counted=Counted(nodes=nodes, ready=nodes, needed=needed))


def plan_of(*members: Member, **spec: object) -> Plan:
    return decide(snapshot(*members, **spec))


@pytest.mark.parametrize(
    ("inside", "replicas", "ask", "code"),
    [
        pytest.param(shows(0), 4, 4, Code.SHRINK_TO_WISH, id="no pods: all the way"),
        pytest.param(shows(3), 4, 4, Code.SHRINK_TO_WISH, id="fewer than wished: all the way"),
        pytest.param(shows(7), 4, 7, Code.SHRINK_TO_WISH, id="as far as the pods let go"),
        pytest.param(shows(10), 4, None, Code.SCHEDULED_PODS, id="every node is needed"),
        pytest.param(shows(12, nodes=12), 4, None, Code.SCHEDULED_PODS, id="more than are asked for"),
        pytest.param(
            Inside(counted=Counted(nodes=10, ready=10, needed=None)), 4, 4, Code.SHRINK_TO_WISH, id="pods not seen"
        ),
        pytest.param(Inside(), 4, 4, Code.SHRINK_TO_WISH, id="not seen: no such floor"),
        pytest.param(shows(30, nodes=30), 10, None, Code.AS_WISHED, id="needing more is no growth"),
        pytest.param(shows(30, nodes=30), 12, 12, Code.GROW_FOR_WISH, id="nor more growth than wished"),
    ],
)
def test_a_removal_leaves_what_scheduled_pods_need(inside: Inside, replicas: int, ask: int | None, code: Code) -> None:
    plan = plan_of(member("a", 10).viewed(inside=inside), replicas=replicas)
    assert (asked(plan).get("a"), of(plan, "a").reason.code) == (ask, code)
    assert targets(plan) == {"a": replicas}


def test_the_floor_is_met_with_whole_steps() -> None:
    plan = plan_of(member("a", 12).seen(step=3).viewed(inside=shows(7, nodes=12)), replicas=3)
    assert asked(plan) == {"a": 9}


def test_the_floor_of_one_member_makes_no_other_one_grow_or_shrink_more() -> None:
    free = plan_of(member("a", 10), member("b", 10), replicas=10)
    held = plan_of(member("a", 10).viewed(inside=shows(8)), member("b", 10), replicas=10)
    assert (asked(free), asked(held)) == ({"a": 5, "b": 5}, {"a": 8, "b": 5})


@pytest.mark.parametrize(
    ("facts", "detect", "autoscaled", "on"),
    [
        pytest.param({}, Detect.AUTO, set(), False, id="nobody"),
        pytest.param({"groups": ("asg-1",)}, Detect.AUTO, {"asg-1", "asg-2"}, True, id="the cluster shows one for it"),
        pytest.param({"groups": ("asg-1",)}, Detect.AUTO, {"asg-2"}, False, id="one for others"),
        pytest.param({"groups": ("asg-1",)}, Detect.OFF, {"asg-1"}, False, id="the user says that it does not matter"),
        pytest.param({}, Detect.ON, set(), True, id="the user says so"),
        pytest.param({"autoscaling": True}, Detect.AUTO, set(), True, id="the cloud says so"),
        pytest.param({"autoscaling": True}, Detect.OFF, set(), True, id="the cloud's word is a fact"),
    ],
)
def test_a_member_that_another_one_sizes_is_refused(
    facts: dict[str, object], detect: Detect, autoscaled: set[str], on: bool
) -> None:
    one = member("a", 5, detect_autoscaler=detect).seen(**facts).viewed(inside=Inside(autoscaled=frozenset(autoscaled)))
    part = of(plan_of(one, replicas=30), "a")
    assert (part.refusal.code if part.refusal else None) == (Code.AUTOSCALER_ON if on else None)
    assert (part.ask is None) is on
