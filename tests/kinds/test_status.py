"""What is remembered survives the way through status, and a damaged field takes no other with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multicloud.kinds.parse import account_object, pool_object
from multicloud.kinds.remembered import account_record, pool_record
from multicloud.kinds.status import render_account, render_pool
from multicloud.model.approval import Approval, Binding, Change, EndedPlan, PublishedPlan
from multicloud.model.override import Override, SeenOverride
from multicloud.model.plan import MemberPlan, Placing, Plan, Relaxed
from multicloud.model.reason import Code, Reason
from multicloud.model.record import (
    Accepted,
    AccountRecord,
    Claim,
    Condition,
    DecidedBy,
    Intent,
    KeptFloor,
    LastResize,
    MemberRecord,
    PastWish,
    PoolRecord,
    Released,
    Removal,
    Saving,
)
from multicloud.model.size import NodePool, ReadySource
from multicloud.model.spec import PoolObject
from support.manifests import account, member, pool

_NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_MEMBERS = ("east", "west")


def _pool(**spec: Any) -> PoolObject:
    members = [member("east"), member("west", "gke")]
    return replace(pool_object(pool(**{"members": members, **spec})), generation=3)


_INSTANTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (hypothesis adds the zone)
_COUNTS = st.integers(min_value=0, max_value=10_000)
_WORDS = st.text(max_size=20)
_IDS = st.text(min_size=1, max_size=20)
_REASONS = st.builds(Reason, code=st.sampled_from(Code), text=_WORDS)
_CONDITIONS = st.lists(
    st.builds(
        Condition,
        type=st.sampled_from(["Ready", "Reconciling", "Stalled", "Observed"]),
        status=st.sampled_from([True, False, None]),
        reason=_WORDS,
        message=_WORDS,
        observed_generation=_COUNTS,
        since=_INSTANTS,
    ),
    max_size=4,
    unique_by=lambda condition: condition.type,
).map(tuple)


def _member_records(name: str) -> st.SearchStrategy[MemberRecord]:
    return st.builds(
        MemberRecord,
        name=st.just(name),
        claim=st.none() | st.builds(Claim, key=_WORDS, incarnation=_WORDS, since=_INSTANTS),
        agreed=st.none() | _COUNTS,
        held_since=st.none() | _INSTANTS,
        moved_at=st.none() | _INSTANTS,
        corrections=st.lists(_INSTANTS, max_size=3).map(tuple),
        accepted=st.none() | st.builds(Accepted, units=_COUNTS, at=_INSTANTS),
        scaler_since=st.none() | _INSTANTS,
        adoption_floor=st.none() | _COUNTS,
        requested=st.none() | _COUNTS,
        nodes=st.none() | _COUNTS,
        ready=st.none() | _COUNTS,
        attempts=_COUNTS,
        backoff_until=st.none() | _INSTANTS,
        missing_from=st.none() | _INSTANTS,
        unseen_since=st.none() | _INSTANTS,
        foreign_since=st.none() | _INSTANTS,
        foreign_until=st.none() | _INSTANTS,
        intent=st.none()
        | st.builds(
            Intent,
            id=_IDS,
            target=_COUNTS,
            origin=_COUNTS,
            started_at=_INSTANTS,
            deadline=_INSTANTS,
            operation=st.none() | _IDS,
        ),
        last_resize=st.none()
        | st.builds(LastResize, id=_IDS, origin=_COUNTS, target=_COUNTS, at=_INSTANTS, outcome=_REASONS),
        given_up=st.none()
        | st.builds(Intent, id=_IDS, target=_COUNTS, origin=_COUNTS, started_at=_INSTANTS, deadline=_INSTANTS),
        removal=st.none() | st.builds(Removal, unscheduled=st.none() | _COUNTS, ended_at=st.none() | _INSTANTS),
        pods_floor=st.none()
        | st.builds(KeptFloor, nodes=st.integers(min_value=1, max_value=999), left_at=st.none() | _INSTANTS),
    )


_RECORDS = st.builds(
    PoolRecord,
    observed_generation=st.just(3),
    requested=st.none() | st.integers(min_value=0, max_value=20),
    desired=st.none() | st.integers(min_value=0, max_value=20),
    standing_in=_COUNTS,
    on_top=_COUNTS,
    override=st.none()
    | st.builds(
        SeenOverride,
        override=st.builds(
            Override,
            min_replicas=st.none() | _COUNTS,
            max_replicas=st.none() | _COUNTS,
            until=_INSTANTS,
            reason=_WORDS,
        ),
        since=_INSTANTS,
    ),
    saving=st.none() | st.builds(Saving, since=_INSTANTS, moving=st.booleans(), prices=_WORDS),
    decided_by=st.none() | st.builds(DecidedBy, kind=_WORDS, name=_WORDS, reason=_WORDS, since=_INSTANTS),
    members=st.tuples(*map(_member_records, _MEMBERS)),
    conditions=_CONDITIONS,
)


@given(record=_RECORDS)
def test_what_a_pool_remembers_survives_its_status(record: PoolRecord) -> None:
    seen = _pool()
    read = pool_record(render_pool(seen, None, record, record.conditions), seen.spec)
    assert replace(read, past_wishes=()) == record


@given(record=_RECORDS)
def test_what_a_pool_remembers_survives_a_spec_that_is_not_understood(record: PoolRecord) -> None:
    seen = replace(_pool(), spec=None)
    assert pool_record(render_pool(seen, None, record, record.conditions), None) == record


@given(identity=st.none() | _WORDS, conditions=_CONDITIONS)
def test_what_an_account_remembers_survives_its_status(identity: str | None, conditions: tuple[Condition, ...]) -> None:
    record = AccountRecord(observed_generation=5, identity=identity, conditions=conditions)
    assert account_record(render_account(5, record, conditions)) == record


@pytest.mark.parametrize(
    ("requested", "desired", "past"),
    [
        pytest.param(4, 8, (PastWish(units=8, left_at=_NOW),), id="a higher wish was left"),
        pytest.param(8, 8, (), id="the wish itself"),
        pytest.param(0, 1, (), id="raised to minReplicas"),
        pytest.param(20, 10, (), id="lowered to maxReplicas"),
        pytest.param(20, 15, (PastWish(units=15, left_at=_NOW),), id="maxReplicas was lowered since"),
        pytest.param(None, 8, (), id="wish unknown"),
        pytest.param(4, None, (), id="desired unknown"),
    ],
)
def test_a_left_wish_is_found_again(requested: int | None, desired: int | None, past: tuple[PastWish, ...]) -> None:
    decider = DecidedBy(kind="MultiCloudPool", name="web", reason="SpecReplicas", since=_NOW)
    record = PoolRecord(requested=requested, desired=desired, decided_by=decider)
    body = pool()
    body["status"] = render_pool(_pool(), None, record, ())
    assert pool_object(body).record.past_wishes == past


def test_a_wish_that_was_left_by_a_change_of_decider_is_found_again_as_such() -> None:
    decider = DecidedBy(kind="MultiCloudPool", name="web", reason="SpecReplicas", since=_NOW)
    plan = _plan((), limited_by=_reason(Code.DECIDER_CHANGED))
    body = pool()
    body["status"] = render_pool(_pool(), plan, PoolRecord(requested=4, desired=8, decided_by=decider), ())
    assert pool_object(body).record.past_wishes == (PastWish(units=8, left_at=_NOW, decider_changed=True),)


_CONDITION = Condition(
    type="Ready", status=None, reason="NotYetObserved", message="no look yet", observed_generation=3, since=_NOW
)
_FULL = PoolRecord(
    observed_generation=3,
    requested=6,
    desired=6,
    decided_by=DecidedBy(kind="MultiCloudPool", name="web", reason="SpecReplicas", since=_NOW),
    override=SeenOverride(
        override=Override(min_replicas=6, max_replicas=None, until=_NOW + timedelta(hours=2), reason="INC-42"),
        since=_NOW,
    ),
    members=(
        MemberRecord(
            name="east",
            claim=Claim(key="k", incarnation="i", since=_NOW),
            agreed=4,
            held_since=_NOW,
            moved_at=_NOW,
            corrections=(_NOW,),
            accepted=Accepted(units=6, at=_NOW),
            scaler_since=_NOW,
            adoption_floor=2,
            requested=4,
            nodes=5,
            ready=3,
            attempts=1,
            backoff_until=_NOW,
            missing_from=_NOW,
            intent=Intent(id="a", target=6, origin=4, started_at=_NOW, deadline=_NOW, operation="o"),
            last_resize=LastResize(id="b", origin=2, target=4, at=_NOW, outcome=Reason(code=Code.DELIVERED, text="ok")),
            given_up=Intent(id="c", target=7, origin=2, started_at=_NOW, deadline=_NOW),
            removal=Removal(unscheduled=3),
            pods_floor=KeptFloor(nodes=6, left_at=_NOW),
        ),
    ),
    released=(Released(name="old", node_pool="k2", nodes=7, at=_NOW),),
    conditions=(_CONDITION,),
)


def _damaged(path: tuple[Any, ...], value: object) -> PoolRecord:
    status = render_pool(_pool(), None, _FULL, _FULL.conditions)
    inner: Any = status
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return pool_record(status, _pool().spec)


def _east(**changes: Any) -> PoolRecord:
    west = MemberRecord(name="west")
    return replace(_FULL, members=(replace(_FULL.members[0], **changes), west))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        pytest.param(("requestedReplicas",), "6", replace(_east(), requested=None), id="number as text"),
        pytest.param(("desiredBy", "since"), "yesterday", replace(_east(), decided_by=None), id="no time"),
        pytest.param(("conditions", 0, "status"), "Maybe", replace(_east(), conditions=()), id="no status"),
        pytest.param(("members", 0, "agreedNodes"), -1, _east(agreed=None), id="negative size"),
        pytest.param(("members", 0, "nodes"), 4.5, _east(nodes=None), id="half a node"),
        pytest.param(("members", 0, "attempts"), True, _east(attempts=0), id="true is no number"),
        pytest.param(("members", 0, "heldSince"), "2026-11-23T08:00:00", _east(held_since=None), id="no zone"),
        pytest.param(("members", 0, "claim"), "mine", _east(claim=None), id="claim of another shape"),
        pytest.param(("members", 0, "intent", "target"), None, _east(intent=None), id="intent without target"),
        pytest.param(
            ("members", 0, "lastResize", "outcome"),
            "InventedLater",
            _east(
                last_resize=replace(
                    _FULL.members[0].last_resize,  # type: ignore[type-var]  # mypy sees Optional, it is set above
                    outcome=Reason(code=Code.UNEXPECTED, text="ok"),
                )
            ),
            id="outcome of another version",
        ),
        pytest.param(("members", 0, "podsFloor"), {"leftAt": 3}, _east(pods_floor=None), id="a floor of no nodes"),
        pytest.param(("floorReplicas",), -1, _east(), id="fewer on top than none"),
        pytest.param(("members", 0, "removal"), "yes", _east(removal=None), id="a removal that is none"),
        pytest.param(
            ("members", 0, "removal", "unscheduledPods"), -3, _east(removal=Removal()), id="fewer pods than none"
        ),
        pytest.param(("members", 1), 7, replace(_FULL), id="a member that is none"),
    ],
)
def test_a_damaged_field_takes_no_other_with_it(path: tuple[Any, ...], value: object, expected: PoolRecord) -> None:
    assert _damaged(path, value) == expected


def _reason(code: Code) -> Reason:
    return Reason(code=code, text=f"because of {code}")


def _plan(members: tuple[MemberPlan, ...], record: PoolRecord = _FULL, **fields: Any) -> Plan:
    whole: dict[str, Any] = {
        "ready": 7,
        "shortage": 0,
        "limited_by": None,
        "blocked": None,
        "unsafe": None,
        "wake_at": None,
        "settled": False,
        **fields,
    }
    return Plan(record=record, members=members, **whole)


def _member_plan(name: str, **fields: Any) -> MemberPlan:
    whole: dict[str, Any] = {
        "target": 6,
        "ask": None,
        "reason": _reason(Code.GROW_FOR_WISH),
        "refusal": None,
        "trouble": None,
        "min_nodes": 1,
        "max_nodes": 9,
        **fields,
    }
    return MemberPlan(name=name, record=MemberRecord(name=name), **whole)


def test_status_shows_the_plan() -> None:
    seen = _pool()
    assert seen.spec is not None
    proved = NodePool(
        ref=seen.spec.members[0].node_pool,
        claim="k",
        incarnation="i",
        requested=4,
        nodes=5,
        ready=3,
        ready_source=ReadySource.CLOUD,
        step=2,
    )
    plan = _plan((_member_plan("east", ask=6),), limited_by=_reason(Code.MAX_REPLICAS))
    status = render_pool(seen, plan, _FULL, [_CONDITION], {"east": proved})
    assert status == {
        "observedGeneration": 3,
        "replicas": 7,
        "selector": "multicloud.dev/pool=web",
        "requestedReplicas": 6,
        "desiredReplicas": 6,
        "floorReplicas": None,
        "standingInReplicas": None,
        "limitedBy": "MaxReplicas",
        "desiredBy": {
            "kind": "MultiCloudPool",
            "name": "web",
            "reason": "SpecReplicas",
            "since": "2026-11-23T08:00:00Z",
        },
        "override": {
            "minReplicas": 6,
            "maxReplicas": None,
            "until": "2026-11-23T10:00:00Z",
            "reason": "INC-42",
            "since": "2026-11-23T08:00:00Z",
        },
        "members": [
            {
                "name": "east",
                "cloud": "aws",
                "cluster": "shop-prod",
                "nodePool": "web",
                "state": "Active",
                "requestedNodes": 4,
                "nodes": 5,
                "readyNodes": 3,
                "readySource": "Cloud",
                "targetNodes": 6,
                "step": 2,
                "minNodes": 1,
                "maxNodes": 9,
                "agreedNodes": 4,
                "heldSince": "2026-11-23T08:00:00Z",
                "movedAt": "2026-11-23T08:00:00Z",
                "corrections": ["2026-11-23T08:00:00Z"],
                "accepted": {"replicas": 6, "at": "2026-11-23T08:00:00Z"},
                "scalerSince": "2026-11-23T08:00:00Z",
                "adoptionFloor": 2,
                "backoffUntil": "2026-11-23T08:00:00Z",
                "attempts": 1,
                "missingFrom": "2026-11-23T08:00:00Z",
                "unseenSince": None,
                "foreignSince": None,
                "foreignUntil": None,
                "claim": {"key": "k", "incarnation": "i", "since": "2026-11-23T08:00:00Z"},
                "intent": {
                    "id": "a",
                    "target": 6,
                    "from": 4,
                    "startedAt": "2026-11-23T08:00:00Z",
                    "deadline": "2026-11-23T08:00:00Z",
                },
                "operation": {"id": "o"},
                "lastResize": {
                    "id": "b",
                    "from": 2,
                    "target": 4,
                    "at": "2026-11-23T08:00:00Z",
                    "outcome": "Delivered",
                    "message": "ok",
                },
                "givenUp": {
                    "id": "c",
                    "target": 7,
                    "from": 2,
                    "startedAt": "2026-11-23T08:00:00Z",
                    "deadline": "2026-11-23T08:00:00Z",
                },
                "removal": {"unscheduledPods": 3, "endedAt": None},
                "podsFloor": {"nodes": 6, "leftAt": "2026-11-23T08:00:00Z"},
                "reason": "GrowForWish",
                "message": "because of GrowForWish",
            },
            {
                "name": "west",
                "cloud": "gcp",
                "cluster": "shop-batch",
                "nodePool": "web",
                "state": "Active",
                "requestedNodes": None,
                "nodes": None,
                "readyNodes": None,
                "readySource": None,
                "targetNodes": None,
                "step": None,
                "minNodes": None,
                "maxNodes": None,
                "agreedNodes": None,
                "heldSince": None,
                "movedAt": None,
                "corrections": [],
                "accepted": None,
                "scalerSince": None,
                "adoptionFloor": None,
                "backoffUntil": None,
                "attempts": 0,
                "missingFrom": None,
                "unseenSince": None,
                "foreignSince": None,
                "foreignUntil": None,
                "claim": None,
                "intent": None,
                "operation": None,
                "lastResize": None,
                "givenUp": None,
                "removal": None,
                "podsFloor": None,
                "reason": None,
                "message": None,
            },
        ],
        "releasedMembers": [{"name": "old", "nodePool": "k2", "nodes": 7, "at": "2026-11-23T08:00:00Z"}],
        "saving": None,
        "plan": {
            "id": None,
            "hash": None,
            "expiresAt": None,
            "changes": [],
            "steps": [],
            "relaxed": [],
            "bindingConstraints": None,
            "hourlyCost": None,
            "hourlyCostNow": None,
            "ended": [],
        },
        "approval": None,
        "conditions": [
            {
                "type": "Ready",
                "status": "Unknown",
                "reason": "NotYetObserved",
                "message": "no look yet",
                "observedGeneration": 3,
                "lastTransitionTime": "2026-11-23T08:00:00Z",
            }
        ],
    }


def test_what_kubectl_reads_is_absent_rather_than_null() -> None:
    assert "limitedBy" not in render_pool(_pool(), _plan(()), PoolRecord(), ())
    assert {"identity", "externalId"}.isdisjoint(render_account(1, AccountRecord(), ()))
    assert "replicas" not in render_pool(_pool(), _plan((), ready=None), PoolRecord(), ())
    assert render_pool(_pool(), _plan((), ready=0), PoolRecord(), ())["replicas"] == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({}, "GrowForWish", id="why its size is"),
        pytest.param({"trouble": _reason(Code.THROTTLED)}, "Throttled", id="not read"),
        pytest.param(
            {"trouble": _reason(Code.THROTTLED), "refusal": _reason(Code.WRONG_CLOUD)}, "WrongCloud", id="refused"
        ),
    ],
)
def test_the_most_telling_reason_is_shown(fields: dict[str, Any], reason: str) -> None:
    shown = render_pool(_pool(), _plan((_member_plan("east", **fields),)), _FULL, ())["members"][0]
    assert shown["reason"] == reason
    assert shown["state"] == ("Refused" if "refusal" in fields else "Active")


_GROWS = Change(member="east", origin=4, to=6, reason=_reason(Code.GROW_FOR_WISH))
_GOES = Change(member="west", origin=3, to=0, reason=_reason(Code.MOVE_TO_SHARE))


def test_changes_are_those_of_the_plan_that_stands_else_those_decided_now() -> None:
    plan = replace(_plan(()), changes=(_GROWS,), steps=((_GROWS,),))
    shown = render_pool(_pool(), plan, PoolRecord(), ())["plan"]
    grows = {"member": "east", "from": 4, "to": 6, "reason": "GrowForWish"}
    assert (shown["changes"], shown["hash"], shown["expiresAt"]) == ([grows], None, None)
    assert shown["steps"] == [{"changes": [grows]}]
    standing = PublishedPlan(published_at=_NOW, changes=(_GOES, _GROWS))
    shown = render_pool(_pool(), plan, PoolRecord(plan=standing), ())["plan"]
    assert [change["member"] for change in shown["changes"]] == ["west", "east"]
    assert shown["hash"] == standing.hash(_pool().uid)
    assert (shown["id"], shown["expiresAt"]) == ("2026-11-23T08:00:00+00:00", "2026-11-23T09:00:00Z")


@pytest.mark.parametrize(
    ("told", "known"),
    [
        pytest.param(None, None, id="not priced yet"),
        pytest.param([], (), id="nothing binds"),
        pytest.param([{"name": "a", "costsPerHour": "0.10"}], (("a", Decimal("0.10")),), id="a price"),
        pytest.param([{"name": "a"}, {"name": "b", "costsPerHour": None}], (("a", None), ("b", None)), id="no price"),
        pytest.param([{"name": "a", "costsPerHour": "dear"}, {"costsPerHour": "1"}, 7], (("a", None),), id="rubbish"),
        pytest.param([{"name": "a", "costsPerHour": "NaN"}, {"name": 3}], (("a", None),), id="no number"),
        pytest.param(
            [{"name": "a", "costsPerHour": "1E+999999999"}], (("a", None),), id="too many digits to write out"
        ),
        pytest.param([{"name": "a", "costsPerHour": "-0.5"}], (("a", Decimal("-0.5")),), id="saves"),
        pytest.param("everything", (), id="no list"),
    ],
)
def test_what_binds_a_published_plan_is_read_back_as_far_as_it_can_be(
    told: object, known: tuple[tuple[str, Decimal | None], ...] | None
) -> None:
    changes = [{"member": "east", "from": 4, "to": 6}]
    plan = pool_record({"plan": {"id": _NOW.isoformat(), "changes": changes, "bindingConstraints": told}}, None).plan
    assert plan is not None
    expected = None if known is None else tuple(Binding(name=name, costs_per_hour=price) for name, price in known)
    assert plan.bindings == expected


def test_a_plan_an_approval_and_what_ended_survive_a_restart() -> None:
    seen = _pool()
    bound = (
        Binding(name="allocation.survive[Cloud]", costs_per_hour=Decimal("0.80")),
        Binding(name="members[east].maxNodes", costs_per_hour=None),
    )
    standing = PublishedPlan(published_at=_NOW + timedelta(microseconds=5), changes=(_GOES, _GROWS), bindings=bound)
    record = PoolRecord(
        plan=standing,
        ended_plans=(EndedPlan(hash="00", outcome=Code.PLAN_EXPIRED),),
        approval=Approval(hash="00", manager="kubectl", at=_NOW, outcome=Code.PLAN_EXPIRED),
    )
    read = pool_record(render_pool(seen, None, record, ()), seen.spec)
    assert read.plan is not None
    assert read.plan.hash(seen.uid) == standing.hash(seen.uid)
    assert read.plan.bindings == bound
    assert (read.ended_plans, read.approval) == (record.ended_plans, record.approval)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(None, id="none"),
        pytest.param({"id": "yesterday", "changes": [{"member": "east", "from": 4, "to": 6}]}, id="no time"),
        pytest.param({"id": _NOW.isoformat(), "changes": [{"member": "east", "from": -4, "to": 6}]}, id="no size"),
        pytest.param({"id": _NOW.isoformat(), "changes": "all"}, id="no changes"),
        pytest.param({"hash": "00", "changes": [{"member": "east", "from": 4, "to": 6}]}, id="a hash alone"),
    ],
)
def test_a_plan_that_cannot_be_read_is_none(plan: object) -> None:
    assert pool_record({"plan": plan}, None).plan is None


def test_money_is_written_in_digits() -> None:
    placing = Placing(
        hourly_cost=Decimal("1E+2"),
        hourly_cost_now=Decimal("0.1920"),
        relaxed=(Relaxed(name="minReplicas", by=2, would_help="more members"),),
    )
    shown = render_pool(_pool(), replace(_plan(()), placing=placing), PoolRecord(), ())["plan"]
    assert (shown["hourlyCost"], shown["hourlyCostNow"]) == ("100", "0.1920")
    assert shown["relaxed"] == [{"name": "minReplicas", "by": 2, "wouldHelp": "more members"}]


def test_times_are_written_in_utc_to_the_microsecond() -> None:
    held = (_NOW + timedelta(microseconds=5)).astimezone()
    record = PoolRecord(members=(MemberRecord(name="east", held_since=held),))
    assert render_pool(_pool(), None, record, ())["members"][0]["heldSince"] == "2026-11-23T08:00:00.000005Z"


def test_an_account_reads_its_own_status() -> None:
    body = account()
    body["status"] = render_account(1, AccountRecord(identity="arn"), [_CONDITION], external_id="prod/shop/aws")
    assert body["status"]["externalId"] == "prod/shop/aws"
    assert account_object(body).record == AccountRecord(observed_generation=1, identity="arn", conditions=(_CONDITION,))


def _written_by(*writers: tuple[str, str]) -> PoolRecord:
    body = pool(members=[member("east"), member("west", "gke")])
    body["status"] = render_pool(_pool(), None, _FULL, _FULL.conditions)
    entries = [{"manager": manager, "operation": "Apply", "subresource": part} for manager, part in writers]
    body["metadata"]["managedFields"] = [{"manager": "kubectl", "operation": "Update"}, *entries]
    return pool_object(body).record


@pytest.mark.parametrize(
    ("writers", "believed"),
    [
        pytest.param((), True, id="nobody that the server knows of"),
        pytest.param((("multicloud-operator", "status"),), True, id="we"),
        pytest.param((("multicloud-operator", "status"), ("kubectl", "scale")), True, id="somebody who scaled"),
        pytest.param((("multicloud-operator", "status"), ("kubectl-edit", "status")), False, id="somebody by hand"),
        pytest.param((("velero", "status"),), False, id="a restored backup"),
        pytest.param((("", "status"),), False, id="somebody without a name"),
    ],
)
def test_a_status_in_which_others_had_a_hand_is_not_believed(
    writers: tuple[tuple[str, str], ...], believed: bool
) -> None:
    record = _written_by(*writers)
    assert (record.members != ()) is believed
    assert record == (_written_by() if believed else PoolRecord(edited_by=writers[-1][0]))


@pytest.mark.parametrize("shape", [7, "x", [7], {"a": 1}, [{"manager": {}, "subresource": []}]])
def test_managed_fields_of_any_shape_raise_nothing(shape: object) -> None:
    body = pool()
    body["metadata"]["managedFields"] = shape
    assert pool_object(body).record == PoolRecord()


def test_a_member_without_a_word_about_its_floor_is_taken_over_anew() -> None:
    status = render_pool(_pool(), None, _FULL, ())
    del status["members"][0]["adoptionFloor"]
    assert pool_record(status, None).members[0].claim is None
