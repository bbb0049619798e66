"""What becomes of a persisted intent: sent once, remembered, or dropped for a reason."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from multicloud.act.brake import Brake, Limits
from multicloud.act.cordon import Cordoner
from multicloud.act.prepare import RETRY_S, Dispatch
from multicloud.act.send import Sender
from multicloud.model.account import AccountObject
from multicloud.model.error import CloudError, Conflict, NoCapacity, NotSent, OutcomeUnknown, Refused, Throttled
from multicloud.model.plan import Outcome
from multicloud.model.reason import Code, Reason
from multicloud.model.record import LastResize, MemberRecord, PoolRecord, Removal
from multicloud.model.ref import Cloud, Kind, ObjectKey
from multicloud.model.size import Activity, NodePool, Operation, OperationState, Resize
from multicloud.model.spec import Failover
from support.builders import POOL, intent, node_pool
from support.clock import VirtualClock
from support.scripted import Heard, ScriptedLane, ScriptedLanes

ACCOUNT = ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="aws-prod")
OBJECT = AccountObject(key=ACCOUNT, uid="account", generation=1, resource_version="1", spec=None)
LIMITS = Limits(max_removed_percent=0, max_removed_nodes=50, max_added_percent=0, max_added_nodes=50)


def reason(code: Code) -> Reason:
    return Reason(code=code, text="the cloud's words")


@dataclass
class Bench:
    facts: NodePool = field(default_factory=lambda: node_pool("web", 4))
    now_there: NodePool | None = None
    to: int = 10
    removal: Removal | None = None
    remembered: Removal | None = None
    lane: ScriptedLane = field(default_factory=ScriptedLane)
    heard: Heard = field(default_factory=Heard)
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        there = self.now_there or self.facts
        self.lane.pools[there.ref] = there
        self.brake = Brake(self.clock, LIMITS, observed_nodes=lambda _: 0)

    async def send(self, accounts: dict[ObjectKey, AccountObject] | None = None) -> tuple[MemberRecord, Outcome]:
        booking = self.brake.book(ACCOUNT, 6)
        assert booking is not None
        dispatch = Dispatch(
            member="web",
            account=ACCOUNT,
            change=Resize(pool=self.facts, to=self.to),
            intent=intent(4, 10),
            removal=self.removal,
            booking=booking,
            failover=Failover(),
        )
        known = MemberRecord(name="web", agreed=4, intent=dispatch.intent, removal=self.removal or self.remembered)
        record = PoolRecord(members=(known,))
        sender = Sender(ScriptedLanes(self.lane), self.brake, self.heard, Cordoner(None), self.clock)
        after, outcomes = await sender.send(
            POOL, record, [dispatch], {ACCOUNT: OBJECT} if accounts is None else accounts
        )
        return after.members[0], outcomes[0]

    @property
    def booked(self) -> int:
        return LIMITS.max_added_nodes - self.brake.headroom(None).add


async def test_an_accepted_resize_keeps_its_intent_with_the_operation() -> None:
    bench = Bench()
    member, outcome = await bench.send()
    assert bench.lane.resizes == [(bench.facts.ref, 10, intent(4, 10).id)]
    assert member.intent is not None
    assert member.intent.operation == "op-1"
    assert (bench.booked, bench.heard.wrote_to) == (6, [bench.facts.ref])
    running = Operation(id="op-1", pool=bench.facts.ref, state=OperationState.RUNNING)
    assert outcome == Outcome(member="web", provider=Cloud.AWS, intent=intent(4, 10), operation=running)


async def test_the_clouds_wish_not_to_be_asked_at_once_is_passed_on() -> None:
    bench = Bench()
    bench.lane.poll_wait_s = 30
    await bench.send()
    assert bench.heard.poll_wishes_s == [30]


async def test_a_lost_answer_keeps_the_intent_and_counts_its_window_from_now() -> None:
    bench = Bench()
    bench.lane.refuses_writes = OutcomeUnknown(reason(Code.TIMED_OUT))
    member, outcome = await bench.send()
    assert member.intent == replace(intent(4, 10), started_at=bench.clock.now())
    assert outcome == Outcome(
        member="web", provider=Cloud.AWS, intent=intent(4, 10), error=reason(Code.TIMED_OUT), unknown=True
    )
    assert bench.heard.poll_wishes_s == [None]
    assert (bench.booked, bench.heard.wrote_to) == (6, [bench.facts.ref])


@pytest.mark.parametrize(
    ("error", "attempts", "wait_s"),
    [
        pytest.param(NotSent(reason(Code.NOT_LEADER)), 0, RETRY_S, id="not sent: soon again, nobody's fault"),
        pytest.param(Conflict(reason(Code.CONFLICT)), 0, RETRY_S, id="conflict: look, decide again"),
        pytest.param(Throttled(reason(Code.THROTTLED), retry_after_s=90), 0, 90, id="throttled: when the cloud says"),
        pytest.param(NoCapacity(reason(Code.STOCKOUT)), 1, 300, id="stockout: the member backs off"),
        pytest.param(Refused(reason(Code.DENIED)), 1, 300, id="denied: the member backs off"),
    ],
)
async def test_a_failed_resize_is_dropped_and_its_nodes_are_given_back(
    error: CloudError, attempts: int, wait_s: float
) -> None:
    bench = Bench()
    bench.lane.refuses_writes = error
    member, outcome = await bench.send()
    assert member.intent is None
    assert member.attempts == attempts
    assert member.backoff_until is not None
    assert (member.backoff_until - bench.clock.now()).total_seconds() == wait_s
    assert outcome == Outcome(member="web", provider=Cloud.AWS, intent=intent(4, 10), error=error.reason)
    assert bench.booked == 0
    assert bench.heard.looked_at == [bench.facts.ref]
    assert member.last_resize == LastResize(
        id=intent(4, 10).id, origin=4, target=4, at=bench.clock.now(), outcome=error.reason
    ), "nothing moved"
    assert member.given_up == (intent(4, 10) if isinstance(error, Conflict) else None), "our own may be in the way"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"requested": 5}, id="somebody resized it meanwhile"),
        pytest.param({"activity": Activity.BUSY}, id="an operation began meanwhile"),
        pytest.param({"incarnation": "another"}, id="it was deleted and made again meanwhile"),
        pytest.param({"autoscaling": True}, id="an autoscaler was switched on meanwhile"),
    ],
)
async def test_a_pool_that_changed_since_the_decision_is_not_written_to(change: dict[str, object]) -> None:
    facts = node_pool("web", 4)
    bench = Bench(facts=facts, now_there=replace(facts, **change))  # type: ignore[arg-type]  # one row, one field
    member, outcome = await bench.send()
    assert bench.lane.resizes == []
    assert outcome.error is not None
    assert (outcome.error.code, member.given_up) == (Code.CONFLICT, None)


@pytest.mark.parametrize(
    ("to", "nodes", "sent"),
    [
        pytest.param(3, 3, True, id="what never came is given back"),
        pytest.param(3, 4, False, id="it came after all"),
        pytest.param(3, 2, True, id="fewer are there"),
        pytest.param(10, 4, True, id="nothing goes"),
    ],
)
@pytest.mark.parametrize("version", ["", "etag"], ids=["nothing is compared", "the version is compared"])
async def test_a_node_that_came_since_the_decision_is_not_given_back(
    to: int, nodes: int, version: str, *, sent: bool
) -> None:
    facts = node_pool("web", 4, nodes=3, ready=3, version=version)
    bench = Bench(facts=facts, now_there=replace(facts, nodes=nodes), to=to)
    _, outcome = await bench.send()
    assert bool(bench.lane.resizes) == sent
    assert (outcome.error is None) == sent


async def test_what_never_came_is_given_back_by_the_version_that_was_decided_on() -> None:
    facts = node_pool("web", 4, nodes=3, ready=3, version="etag")
    bench = Bench(facts=facts, now_there=replace(facts, version="another"), to=3)
    await bench.send()
    assert [pool.version for pool in bench.lane.sent] == ["etag"]


async def test_a_cloud_with_compare_and_set_is_not_read_again() -> None:
    bench = Bench(facts=node_pool("web", 4, version="etag"))
    await bench.send()
    assert bench.lane.read_again == []
    assert len(bench.lane.resizes) == 1


async def test_the_last_read_is_of_this_node_pool_alone_and_what_it_showed_is_sent() -> None:
    facts = node_pool("web", 4)
    bench = Bench(facts=facts, now_there=replace(facts, ready=3, words="changed where it does not matter"))
    await bench.send()
    assert (bench.lane.read_again, bench.lane.reads) == ([facts.ref], [])
    assert bench.lane.sent == [replace(facts, ready=3, words="changed where it does not matter")]


@pytest.mark.parametrize("for_whom", ["the account", "the cluster"])
@pytest.mark.parametrize(("retry_after_s", "wait_s"), [(None, RETRY_S), (77.0, 77.0)])
async def test_a_read_that_fails_before_the_write_sends_nothing(
    for_whom: str, retry_after_s: float | None, wait_s: float
) -> None:
    bench = Bench()
    error = OutcomeUnknown(reason(Code.UNAVAILABLE), retry_after_s=retry_after_s)
    if for_whom == "the account":
        bench.lane.failure = error
    else:
        bench.lane.clusters[bench.facts.ref.cluster] = error
    member, outcome = await bench.send()
    assert bench.lane.resizes == []
    assert member.intent is None
    assert not outcome.unknown
    assert outcome.error == reason(Code.UNAVAILABLE)
    assert member.backoff_until == bench.clock.now() + timedelta(seconds=wait_s)


async def test_a_cluster_that_is_gone_from_the_last_read_is_not_written_to() -> None:
    bench = Bench()
    bench.lane.pools.clear()
    _, outcome = await bench.send()
    assert outcome.error is not None
    assert (outcome.error.code, bench.lane.resizes) == (Code.CONFLICT, [])


@pytest.mark.parametrize(
    ("error", "event", "operation", "outcome"),
    [
        pytest.param(None, "cloud write", "op-1", "Accepted", id="accepted"),
        pytest.param(Refused(reason(Code.DENIED)), "cloud write failed", None, "PermissionDenied", id="refused"),
    ],
)
async def test_each_write_leaves_one_audit_line(
    error: CloudError | None, event: str, operation: str | None, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests of this process may have configured logs, and a logger may keep what it was bound to then.
    structlog.reset_defaults()
    monkeypatch.setattr("multicloud.act.send.audit", structlog.get_logger("audit"))
    bench = Bench()
    bench.lane.refuses_writes = error
    with capture_logs() as lines:
        await bench.send()
    assert lines == [
        {
            "log_level": "info",
            "event": event,
            "pool": str(POOL),
            "member": "web",
            "cloud": "aws",
            "node_pool": str(bench.facts.ref),
            "origin": 4,
            "target": 10,
            "intent": intent(4, 10).id,
            "operation": operation,
            "outcome": outcome,
        }
    ]


async def test_an_account_that_went_away_meanwhile_sends_nothing() -> None:
    bench = Bench()
    member, outcome = await bench.send(accounts={})
    assert bench.lane.resizes == []
    assert (member.intent, bench.booked) == (None, 0)
    assert outcome.error is not None
    assert outcome.error.code is Code.ACCOUNT_NOT_FOUND


@pytest.mark.parametrize(
    ("bench", "removal"),
    [
        pytest.param(Bench(removal=Removal(unscheduled=2)), None, id="a removal that was refused: nothing went"),
        pytest.param(Bench(remembered=Removal(unscheduled=2)), Removal(unscheduled=2), id="growth: it goes on resting"),
    ],
)
async def test_nobody_waits_for_a_removal_that_was_refused(bench: Bench, removal: Removal | None) -> None:
    bench.lane.refuses_writes = Conflict(reason(Code.CONFLICT))
    member, _ = await bench.send()
    assert member.removal == removal
