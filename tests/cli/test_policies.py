"""What `status` and `explain` tell of scaling policies, on statuses as the operator writes them."""

from typing import Any

import pytest
from rich.console import Console

from multicloud.cli.explain import document, explained
from multicloud.cli.policies import policy_sentences
from multicloud.cli.shown import policy_row, pool_row
from multicloud.cli.tables import pools_table, sparkline
from multicloud.decide.scale.guard import HELD_NOT_READY
from multicloud.model.reason import Code
from support.decided import decided
from support.manifests import policy, pool, prometheus
from support.scaling import DOWN, read, standing

RATIO = {"name": "busy", "prometheus": {"query": "busy"}, "target": {"type": "Value", "value": "0.7"}}
SEEN = {**pool(), "status": {"replicas": 18, "desiredReplicas": 20}}
BOOKED = {"name": "booked", "resource": {"name": "cpu"}, "target": {"type": "Utilization", "value": "85"}}


async def grown() -> dict[str, Any]:
    """Asked for 40 units by a load of 8000, then for 50 by one of 10000, from 20."""
    return await decided(
        policy("load"),
        (standing(20), [read("rps", 4000)]),
        (standing(20), [read("rps", 8000)]),
        (standing(40, ready=30), [read("rps", 10000)]),
    )


async def test_a_policy_is_a_row_with_the_wishes_it_went_through_and_the_metric_that_decided() -> None:
    row = policy_row(await grown())
    assert (row.works, row.desired, row.recent, row.decided_by) == (True, 50, (20, 40, 50), "rps")
    assert (row.reason, row.message) == (Code.ABOVE_TARGET, "metric rps is above its target")


async def test_a_fall_is_among_the_wishes_it_went_through() -> None:
    body = policy("load", behavior={"scaleDown": {"stabilizationWindowSeconds": 0}})
    seen = await decided(
        body,
        (standing(20), [read("rps", 4000)]),
        (standing(20), [read("rps", 8000)]),
        (standing(40), [read("rps", 6000)]),
    )
    assert policy_row(seen).recent[-2:] == (40, 30)


async def test_a_policy_that_works_not_says_why_and_shows_no_number_of_old() -> None:
    body = await grown()
    for one in body["status"]["conditions"]:
        if one["type"] == "Ready":
            one |= {"status": "False", "reason": "AnotherPolicy", "message": "policy old decides"}
    row = policy_row(body)
    assert (row.works, row.desired, row.recent, row.decided_by) == (False, None, (), None)
    assert (row.reason, row.message) == ("AnotherPolicy", "policy old decides")
    assert list(policy_sentences(body)) == ["ScalingPolicy load decides nothing: policy old decides (AnotherPolicy)."]


def test_a_policy_that_nobody_looked_at_is_no_riddle() -> None:
    row = policy_row(policy("load"))
    assert (row.works, row.desired, row.reason) == (False, None, Code.NOT_YET_OBSERVED)


@pytest.mark.parametrize(
    ("sizes", "bars"),
    [
        ((), ""),
        ((7,), "▄"),
        ((7, 7), "▄▄"),
        ((0, 100), "▁█"),
        ((20, 40, 50), "▁▅█"),
        ((10, 20, 30, 40, 50, 60, 70, 80), "▁▂▃▄▅▆▇█"),
        (tuple(range(20)), "▁▁▁▂▂▃▃▄▄▅▅▆▆▇▇█"),
    ],
    ids=["none", "one", "equal", "two", "three", "each bar", "only the newest sixteen"],
)
def test_sizes_are_bars_from_the_lowest_to_the_highest(sizes: tuple[int, ...], bars: str) -> None:
    assert sparkline(sizes) == bars


async def test_the_table_has_a_row_a_policy_beneath_its_pool_in_eighty_columns() -> None:
    row = pool_row(pool(), [await grown(), policy("young")])
    console = Console(width=80, highlight=False)
    with console.capture() as captured:
        console.print(pools_table([row], wide=False, namespaces=False))
    lines = [line.split() for line in captured.get().splitlines()]
    assert lines[2:4] == [
        ["load", "policy", "▁▅█", "by", "rps", "50", "Decides", "AboveTarget"],
        ["young", "policy", "?", "Idle", "NotYetObserved"],
    ]


async def test_explain_says_what_each_metric_read_and_asked_for_and_which_decided() -> None:
    seen = await decided(
        policy("load", metrics=[prometheus(), RATIO]),
        (standing(20), [read("rps", 4000), read("busy", 0.7)]),
        (standing(20, ready=18), [read("rps", 5000), read("busy", 0.3)]),
    )
    lines = explained(SEEN, [seen])
    first = next(number for number, line in enumerate(lines) if line.startswith("ScalingPolicy load"))
    above = "metric rps is above its target (AboveTarget)"
    assert lines[first : first + 5] == [
        f"ScalingPolicy load wishes for 25 units: {above}. It went 20 → 25.",
        f"  rps, which decided: 5000 was read, the target is 200 a unit; it asks for 25 units, because {above}.",
        f"  busy: 0.3 was read, the target is 0.7; it asks for 20 units, because {HELD_NOT_READY.text} (HeldNotReady).",
        "  Bounds in force: 1 to 1000 units.",
        "  Values are those of the last write of its status; the present ones are on /metrics.",
    ]


async def test_explain_tells_programs_the_same_as_people() -> None:
    rules = {"scaleUp": {"policies": [{"type": "Replicas", "value": 2, "periodSeconds": 60}]}}
    seen = await decided(policy(behavior=rules), (standing(20), [read("rps", 9000)]))
    (told,) = document(SEEN, [seen])["policies"]
    (metric,) = told.pop("metrics")
    assert (metric["name"], metric["value"], metric["target"], metric["proposedReplicas"]) == ("rps", "9000", "200", 45)
    limit = "behavior.scaleUp lets no more come in its periods"
    assert told == {
        "name": "web",
        "decides": True,
        "desiredReplicas": 22,
        "recentReplicas": [20, 22],
        "decidedBy": "rps",
        "reason": "ScaleUpLimit",
        "message": limit,
        "minReplicas": 1,
        "maxReplicas": 1000,
        "activeSchedules": [],
        "nextStart": None,
        "nextEnd": None,
        "limits": [{"type": "ScalingLimited", "reason": "ScaleUpLimit", "message": limit}],
    }


async def test_explain_tells_the_limit_that_bound_with_its_reason() -> None:
    rules = {"scaleUp": {"policies": [{"type": "Replicas", "value": 2, "periodSeconds": 60}]}}
    seen = await decided(policy(behavior=rules), (standing(20), [read("rps", 9000)]))
    lines = list(policy_sentences(seen))
    assert lines[0].startswith(
        "ScalingPolicy web wishes for 22 units: behavior.scaleUp lets no more come in its periods"
    )
    assert lines[0].endswith("(ScaleUpLimit). It went 20 → 22.")
    assert "asks for 45 units" in lines[1]


async def test_explain_tells_the_window_that_holds() -> None:
    seen = await decided(
        policy(), (standing(20), [read("rps", 4000)]), (standing(20), [read("rps", 2000)]), every_s=400
    )
    low = await decided(policy(), (standing(20), [read("rps", 4000)]), (standing(20), [read("rps", 2000)]), every_s=30)
    assert "(BelowTarget)" in next(policy_sentences(seen))
    assert "(ScaleDownStabilized)" in next(policy_sentences(low))


async def test_explain_tells_schedules_with_the_next_change_and_their_conflict() -> None:
    always = {"timeZone": "UTC", "schedule": "0 0 * * *", "durationSeconds": 86400}
    schedules = [{"name": "day", "minReplicas": 60, **always}, {"name": "cheap", "maxReplicas": 30, **always}]
    schedules.append({"name": "later", "schedule": "0 7 * * *", "durationSeconds": 600, "maxReplicas": 90})
    seen = await decided(policy(schedules=schedules), (standing(20), [read("rps", 4000)]))
    lines = list(policy_sentences(seen))
    assert "  Bounds in force: 60 to 60 units." in lines
    assert (
        "  Schedules that are on: day, cheap, the first until 2026-11-24T00:00:00Z. The next one begins: "
        "2026-11-24T07:00:00Z." in lines
    )
    assert "  SchedulesConflict: no number is at least 60 and at most 30: 60 counts (SchedulesConflict)." in lines


async def test_explain_tells_a_fallback_and_the_failures_before_it() -> None:
    spec = policy(metrics=[prometheus(), BOOKED], fallback={"afterFailures": 2, "behavior": "AtLeast", "replicas": 30})
    failing = (standing(20), [read("rps", DOWN), read("booked", DOWN)])
    lines = list(policy_sentences(await decided(spec, failing, failing)))
    assert lines[1] == (
        "  rps, which decided: nothing was read, the target is 200 a unit; it asks for 30 units, which is its fallback, "
        "because source main cannot be reached (Unavailable). 2 failed readings in a row."
    )
    assert any("the target is 85 percent" in line for line in lines)
    assert lines[0].startswith("ScalingPolicy web wishes for 30 units: metric rps failed 2 times in a row: AtLeast 30")


async def test_a_metric_that_fails_asks_for_nothing_and_explain_says_what_helps() -> None:
    seen = await decided(policy(), (standing(20), [read("rps", DOWN)]))
    lines = explained(SEEN, [seen])
    assert any("rps: nothing was read" in line and "it asks for nothing" in line for line in lines)
    levers = lines[lines.index("What would change it:") :]
    assert any(line.startswith("- HeldForMetric: ") for line in levers)
    assert any(line.startswith("- Unavailable: ") for line in levers)


async def test_every_reason_that_is_told_of_a_policy_is_one_of_the_list() -> None:
    told = " ".join(policy_sentences(await grown()))
    assert {word.split(")")[0] for word in told.split(" (")[1:]} <= set(Code)
