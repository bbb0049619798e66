"""What a pass means in Kubernetes' terms."""

from dataclasses import replace
from datetime import timedelta

import pytest

from multicloud.decide import decide
from multicloud.model.account import AccountObject
from multicloud.model.override import Override, SeenOverride
from multicloud.model.plan import Plan, Snapshot, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Condition, PoolRecord
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import Deficit, Drift, Failover, Surplus, Word
from multicloud.report.conditions import account_conditions, find, pool_conditions
from support.builders import NOW, Member, found, intent, member, snapshot, unknown, unseen

CORRECT = Drift(surplus=Surplus.CORRECT)
AWAY = Reason(code=Code.UNAVAILABLE, text="no answer")


def conditions(
    seen: Snapshot, *, stalled: bool = False, plan: Plan | None = None
) -> dict[str, tuple[bool | None, str]]:
    judged = pool_conditions(seen, plan or decide(seen), stalled=stalled)
    return {one.type: (one.status, one.reason) for one in judged}


def pool(*members: Member, **fields: object) -> Snapshot:
    return snapshot(*members, **{"min_replicas": 2, "max_replicas": 50, **fields})


def override(*, hours: float) -> Override:
    return Override(min_replicas=2, max_replicas=None, until=NOW + timedelta(hours=hours), reason="INC-42")


@pytest.mark.parametrize(
    ("seen", "type_", "expected"),
    [
        pytest.param(pool(unseen("a")), "Ready", (None, "NotYetObserved"), id="before the first look nothing is known"),
        pytest.param(pool(unseen("a")), "Observed", (None, "NotYetObserved"), id="nor observed"),
        pytest.param(pool(member("a", 4), replicas=4), "Ready", (True, "EnoughReady"), id="at rest"),
        pytest.param(pool(member("a", 4), replicas=4), "Reconciling", (False, "Settled"), id="at rest, settled"),
        pytest.param(pool(member("a", 1), replicas=4), "Ready", (False, "NotEnoughReady"), id="below the minimum"),
        pytest.param(
            pool(member("a", 4), replicas=9), "Ready", (True, "EnoughReady"), id="a routine resize keeps Ready"
        ),
        pytest.param(pool(member("a", 4), replicas=9), "Scaling", (True, "GrowForWish"), id="and is Scaling"),
        pytest.param(pool(member("a", 4), replicas=9), "Reconciling", (True, "GrowForWish"), id="and Reconciling"),
        pytest.param(
            pool(unknown("a", 4, AWAY), member("b", 4), replicas=8), "Observed", (False, "Stale"), id="facts too old"
        ),
        pytest.param(
            pool(unknown("a", 4, AWAY), member("b", 4), replicas=8),
            "MembersHealthy",
            (False, "Unavailable"),
            id="a sick member is named",
        ),
        pytest.param(pool(member("a", 4), replicas=9, paused=True), "Paused", (True, "Paused"), id="paused"),
        pytest.param(pool(member("a", 4), replicas=9, paused=True), "Reconciling", (False, "Paused"), id="at rest so"),
        pytest.param(pool(member("a", 4), stop=Stop.ALL), "Paused", (True, "StopSwitch"), id="stopped"),
        pytest.param(pool(member("a", 4), stop=Stop.SHRINK_ONLY), "Paused", (True, "StopSwitchShrinkOnly"), id="half"),
        pytest.param(
            pool(found("a", 4), replicas=2), "AdoptionPending", (True, "AdoptionFloor"), id="found, not adopted"
        ),
        pytest.param(
            pool(member("a", 4).seen(requested=6, nodes=6, ready=6), replicas=4, drift=Drift(hold_s=600)),
            "Drifted",
            (True, "SurplusHeld"),
            id="somebody added nodes",
        ),
        pytest.param(
            pool(member("a", 4).seen(requested=6), replicas=4, drift=Drift(surplus=Surplus.REPORT)),
            "Drifted",
            (True, "SurplusReported"),
            id="somebody added nodes, and somebody else should know",
        ),
        pytest.param(
            pool(
                member("a", 4).seen(requested=6),
                member("b", 4).seen(requested=3),
                replicas=8,
                drift=Drift(deficit=Deficit.REPORT),
            ),
            "Drifted",
            (True, "DeficitReported"),
            id="somebody took nodes, which weighs more than those that others added",
        ),
        pytest.param(
            pool(member("a", 4).remembered(corrections=(NOW,) * 3).seen(requested=6), replicas=4, drift=CORRECT),
            "Drifted",
            (True, "CorrectionsSpent"),
            id="somebody adds nodes again and again",
        ),
        pytest.param(
            pool(member("a", 4), replicas=4, drift=Drift(mistakes=("a",))),
            "Drifted",
            (False, "DriftConsentInvalid"),
            id="a word about drift that is none",
        ),
        pytest.param(
            pool(
                member("a", 4).seen(requested=6),
                replicas=4,
                drift=Drift(accepted=frozenset({Word(member="b", at=NOW), Word(member="*", at=NOW)})),
            ),
            "Drifted",
            (True, "DriftConsentInvalid"),
            id="a word about a stranger's drift",
        ),
        pytest.param(pool(member("a", 4), replicas=4), "Drifted", (False, "NothingHeld"), id="no drift"),
        pytest.param(
            pool(member("a", 4).remembered(scaler_since=NOW), member("b", 4), replicas=8),
            "ForeignScaler",
            (True, "ForeignScaler"),
            id="something else sizes a member",
        ),
        pytest.param(pool(member("a", 4), replicas=4), "ForeignScaler", (False, "AsWished"), id="nothing else does"),
        pytest.param(pool(member("a", 4), replicas=99), "CapacityLimited", (True, "MaxReplicas"), id="clamped"),
        pytest.param(
            pool(member("a", 9, max_nodes=5).remembered(adoption_floor=9), replicas=9),
            "AboveBound",
            (True, "AboveBound"),
            id="more runs than maxNodes",
        ),
        pytest.param(pool(member("a", 4), replicas=4), "Stalled", (False, "AsWished"), id="somebody can act"),
        pytest.param(pool(member("a", 4), replicas=4), "Paused", (False, "NotPaused"), id="not paused"),
        pytest.param(
            pool(member("a", 4).viewed(paused=True), member("b", 4, account="other"), replicas=8),
            "Paused",
            (True, "AccountPaused"),
            id="one of the accounts is paused",
        ),
        pytest.param(
            pool(member("a", 4).viewed(paused=True), replicas=4, paused=True), "Paused", (True, "Paused"), id="both"
        ),
        pytest.param(
            pool(member("a", 4), replicas=4, scale_in_paused=True), "Paused", (True, "ScaleInPaused"), id="removals"
        ),
        pytest.param(pool(member("a", 4), replicas=4), "OverrideInvalid", (False, "NoOverride"), id="no override"),
        pytest.param(
            pool(member("a", 4), replicas=4, override=override(hours=1)),
            "OverrideInvalid",
            (False, "OverrideActive"),
            id="an override that is followed",
        ),
        pytest.param(
            replace(
                pool(member("a", 4), replicas=4, override=override(hours=1)),
                now=NOW + timedelta(hours=1),
                record=PoolRecord(override=SeenOverride(override=override(hours=1), since=NOW)),
            ),
            "OverrideInvalid",
            (False, "OverrideExpired"),
            id="an override that is over",
        ),
        pytest.param(
            pool(member("a", 4), replicas=4, override=override(hours=-1)),
            "OverrideInvalid",
            (True, "OverrideInPast"),
            id="an override from the past",
        ),
        pytest.param(
            pool(unseen("a"), replicas=4, override=override(hours=200)),
            "OverrideInvalid",
            (True, "OverrideTooLong"),
            id="an override that reaches too far, before the first look",
        ),
        pytest.param(
            pool(member("a", 4), replicas=4, override=Reason(code=Code.OVERRIDE_NOT_UNDERSTOOD, text="no JSON")),
            "OverrideInvalid",
            (True, "OverrideNotUnderstood"),
            id="an override that is not understood",
        ),
        pytest.param(
            pool(member("a", 4), replicas=4, adopted=frozenset({"a", "stranger"})),
            "AdoptionPending",
            (False, "AdoptUnknownMember"),
            id="an adopted stranger, and nothing pending",
        ),
        pytest.param(
            pool(found("a", 4), replicas=2, adopted=frozenset({"stranger"})),
            "AdoptionPending",
            (True, "AdoptUnknownMember"),
            id="an adopted stranger in place of a member",
        ),
        pytest.param(
            pool(found("a", 4), replicas=2, adopted=frozenset({"*"})),
            "AdoptionPending",
            (False, "NothingHeld"),
            id="all adopted",
        ),
    ],
)
def test_conditions(seen: Snapshot, type_: str, expected: tuple[bool | None, str]) -> None:
    assert conditions(seen)[type_] == expected


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("Ready", (None, "NotYetObserved")),
        ("Observed", (None, "NotYetObserved")),
        ("Scaling", (None, "NotYetObserved")),
        ("Reconciling", (True, "AccountNotFound")),
        ("MembersHealthy", (False, "AccountNotFound")),
    ],
)
def test_where_no_member_can_be_seen_nothing_is_claimed(type_: str, expected: tuple[bool | None, str]) -> None:
    refused = unseen("a").viewed(refusal=Reason(code=Code.ACCOUNT_NOT_FOUND, text="no such account"))
    assert conditions(pool(refused, replicas=4))[type_] == expected


def test_stalled_names_the_member() -> None:
    seen = pool(unknown("a", 4, AWAY), replicas=4)
    assert conditions(seen, stalled=True)["Stalled"] == (True, "NoMemberCanAct")
    stalled = find(pool_conditions(seen, decide(seen), stalled=True), "Stalled")
    assert stalled is not None
    assert "a: no answer" in stalled.message


def test_a_shortage_that_lasts_drops_ready() -> None:
    short = pool(member("a", 4).remembered(intent=intent(4, 9, operation="op-1")), replicas=9)
    scaling = Condition(
        type="Scaling",
        status=True,
        reason="",
        message="",
        observed_generation=1,
        since=NOW - timedelta(seconds=Failover().provision_timeout_s),
    )
    assert conditions(short)["Ready"] == (True, "EnoughReady")
    lasting = replace(short, record=replace(short.record, conditions=(scaling,)))
    assert conditions(lasting)["Ready"] == (False, "NotEnoughReady")


def test_the_time_of_a_transition_is_kept_while_the_status_is() -> None:
    seen = pool(member("a", 4), replicas=4)
    first = pool_conditions(seen, decide(seen), stalled=False)
    later = replace(seen, now=NOW + timedelta(hours=1), record=replace(seen.record, conditions=first))
    second = pool_conditions(later, decide(later), stalled=False)
    assert [one.since for one in second] == [NOW] * len(second)
    paused = replace(later, spec=replace(later.spec, paused=True))
    turned = find(pool_conditions(paused, decide(paused), stalled=False), "Paused")
    assert turned is not None
    assert turned.since == NOW + timedelta(hours=1)


def test_the_condition_of_an_override_tells_its_end_and_why_and_one_of_strangers_is_short() -> None:
    seen = pool(member("a", 4), override=override(hours=1), adopted=frozenset({"x" * 900, *"\x1bcdefg"}))
    judged = pool_conditions(seen, decide(seen), stalled=False)
    told = find(judged, "OverrideInvalid")
    assert told is not None
    assert told.message == "the override is followed until 2026-05-04T13:00:00+00:00: INC-42"
    strangers = find(judged, "AdoptionPending")
    assert strangers is not None
    assert strangers.message.isprintable()
    assert len(strangers.message) < 200


def test_the_condition_of_drift_names_every_member_with_its_reason() -> None:
    sizes = {"a": 6, "b": 5, "c": 3}
    seen = pool(
        *(member(name, 4).seen(requested=size) for name, size in sizes.items()),
        replicas=12,
        drift=Drift(surplus=Surplus.REPORT, deficit=Deficit.REPORT, mistakes=("x" * 900, "\x1b@now")),
    )
    drifted = find(pool_conditions(seen, decide(seen), stalled=False), "Drifted")
    assert drifted is not None
    told = drifted.message.split("; ")
    assert ("c: somebody else took" in told[1], "a, b: somebody else added" in told[3]) == (True, True)
    assert drifted.message.isprintable()
    assert len(drifted.message) < 1000


def test_a_paused_account_says_so() -> None:
    account = AccountObject(
        key=ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="aws-prod"),
        uid="u",
        generation=1,
        resource_version="1",
        spec=None,
        paused=True,
    )
    for paused, told in ((True, (True, "AccountPaused")), (False, (False, "NotPaused"))):
        judged = account_conditions(replace(account, paused=paused), None, fatal=False, now=NOW)
        condition = find(judged, "Paused")
        assert condition is not None
        assert (condition.status, condition.reason) == told


def test_texts_hold_no_live_numbers() -> None:
    """A number that moves at every pass would write the status at every pass."""
    one, two = (pool(member("a", size), member("b", 7), replicas=30) for size in (4, 5))
    texts = [[c.message for c in pool_conditions(s, decide(s), stalled=False)] for s in (one, two)]
    assert texts[0] == texts[1]
