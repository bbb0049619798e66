"""When clouds are read, how much, and who is woken by it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from multicloud.model.account import AccountObject, AccountSpec, AwsAccount
from multicloud.model.error import Throttled, Unavailable
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.size import Activity, Detail, OperationState
from multicloud.observe.looker import LONGEST_WAIT_S, Cadence, Lookers, Want
from support.builders import POOL, node_pool, node_pool_ref
from support.clock import VirtualClock
from support.scripted import Heard, ScriptedLane, ScriptedLanes

ACCOUNT = ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="aws-prod")
OBJECT = AccountObject(
    key=ACCOUNT,
    uid="account",
    generation=1,
    resource_version="1",
    spec=AccountSpec(provider=AwsAccount(), secret="keys"),
)
WEB = node_pool_ref("web")
AWAY = Unavailable(Reason(code=Code.UNAVAILABLE, text="no answer"))


@dataclass
class Watch:
    clock: VirtualClock
    lane: ScriptedLane
    lanes: ScriptedLanes
    heard: Heard
    lookers: Lookers

    def want(self, *, hot: bool = False, operation: str | None = None, settling: bool = False) -> None:
        want = Want(account=ACCOUNT, node_pool=WEB, hot=hot, settling=settling, operation=operation)
        self.lookers.attend(POOL, [want])

    async def after(self, seconds: float) -> None:
        await self.clock.run_for(seconds)


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    clock, lane, heard = VirtualClock(), ScriptedLane(pools={WEB: node_pool("web", 4)}), Heard()
    lanes = ScriptedLanes(lane)
    cadence = Cadence(interval_s=60, describe_s=900, busy_min_s=5, busy_max_s=30)
    lookers = Lookers(lanes, clock, cadence, account=lambda _: OBJECT, wake=heard.wake)
    yield Watch(clock, lane, lanes, heard, lookers)
    lookers.close()


async def test_a_first_look_is_full_and_wakes_the_pool(watch: Watch) -> None:
    watch.want()
    await watch.after(0)
    assert watch.lane.reads == [(Detail.FULL, ("shop-prod",))]
    assert watch.heard.woken == [POOL]
    assert watch.lookers.fresh(ACCOUNT, WEB)


async def test_at_rest_sizes_are_read_by_the_minute_and_nobody_is_woken(watch: Watch) -> None:
    watch.want()
    await watch.after(0)
    watch.heard.woken.clear()
    await watch.after(3600)
    details = [detail for detail, _ in watch.lane.reads[1:]]
    assert len(details) == 60
    assert details.count(Detail.FULL) == 4, "every fifteen minutes"
    assert watch.heard.woken == []


async def test_a_change_wakes_a_new_etag_does_not(watch: Watch) -> None:
    watch.want()
    await watch.after(0)
    watch.heard.woken.clear()
    watch.lane.pools[WEB] = replace(watch.lane.pools[WEB], version="another")
    await watch.after(120)
    assert watch.heard.woken == []
    watch.lane.pools[WEB] = replace(watch.lane.pools[WEB], requested=5)
    await watch.after(60)
    assert watch.heard.woken == [POOL]


async def test_while_something_moves_looks_are_full_and_slow_down_to_thirty_seconds(watch: Watch) -> None:
    watch.want(hot=True)
    await watch.after(600)
    assert {detail for detail, _ in watch.lane.reads} == {Detail.FULL}
    assert 600 / 30 <= len(watch.lane.reads) <= 600 / 30 + 6


async def test_our_own_write_makes_older_reads_prove_nothing(watch: Watch) -> None:
    watch.want()
    await watch.after(0)
    watch.lookers.wrote(ACCOUNT, WEB)
    assert not watch.lookers.fresh(ACCOUNT, WEB)
    watch.heard.woken.clear()
    await watch.after(5)
    assert watch.lookers.fresh(ACCOUNT, WEB)
    assert watch.heard.woken == [POOL], "being sure again is news, also when the numbers are the same"
    assert watch.lane.reads[-1][0] is Detail.FULL


async def test_an_intent_waiting_for_its_end_hears_of_every_look(watch: Watch) -> None:
    watch.want(hot=True, settling=True)
    await watch.after(60)
    assert len(watch.heard.woken) >= len(watch.lane.reads) >= 3


async def test_facts_grow_too_old_to_shrink_on_while_the_cloud_is_away(watch: Watch) -> None:
    watch.want()
    await watch.after(0)
    watch.lane.failure = AWAY
    await watch.after(170)
    assert watch.lookers.fresh(ACCOUNT, WEB)
    await watch.after(70)
    assert not watch.lookers.fresh(ACCOUNT, WEB)
    sight = watch.lookers.sight(ACCOUNT, WEB)
    assert sight.proved is not None, "what was proved last is kept"
    assert sight.trouble == AWAY.reason
    watch.lane.failure = None
    await watch.after(60)
    assert watch.lookers.fresh(ACCOUNT, WEB)
    assert watch.lookers.sight(ACCOUNT, WEB).trouble is None


@pytest.mark.parametrize("wish_s", [300, 1e9, float("inf")], ids=["minutes", "years", "for ever"])
async def test_a_clouds_wish_to_wait_is_honoured_within_reason(watch: Watch, wish_s: float) -> None:
    watch.lane.failure = Throttled(Reason(code=Code.THROTTLED, text="too many"), retry_after_s=wish_s)
    watch.want(hot=True)
    await watch.after(299)
    assert len(watch.lane.reads) == 1
    await watch.after(2)
    assert len(watch.lane.reads) == 2


async def test_a_cheap_read_cannot_prove_absence_a_full_one_can(watch: Watch) -> None:
    watch.want()
    await watch.after(0)
    watch.lane.omits_in_sizes = True
    await watch.after(60)
    assert watch.lookers.sight(ACCOUNT, WEB).proved is not None
    await watch.after(60)
    assert watch.lane.reads[-1][0] is Detail.FULL
    watch.lane.pools.clear()
    await watch.after(120)
    sight = watch.lookers.sight(ACCOUNT, WEB)
    assert (sight.proved, sight.trouble and sight.trouble.code) == (None, Code.NODE_POOL_NOT_FOUND)


async def test_an_operation_is_polled_until_it_ends(watch: Watch) -> None:
    watch.want(hot=True, operation="op-1")
    await watch.after(30)
    assert len(watch.lane.polls) >= 3
    watch.lane.states["op-1"] = OperationState.DONE
    await watch.after(31)
    polled = len(watch.lane.polls)
    told = watch.lookers.operation(ACCOUNT, WEB)
    assert told is not None
    assert told.state is OperationState.DONE
    await watch.after(120)
    assert len(watch.lane.polls) == polled


async def test_a_cloud_that_wishes_not_to_be_asked_for_an_operation_is_not_but_sizes_are_looked_at(
    watch: Watch,
) -> None:
    watch.lane.poll_wait_s = 100
    watch.want(hot=True, operation="op-1")
    await watch.after(99)
    assert len(watch.lane.polls) == 1
    assert len(watch.lane.reads) >= 5
    await watch.after(31)
    assert len(watch.lane.polls) == 2


async def test_the_first_wish_of_a_write_counts_and_the_next_write_has_its_own(watch: Watch) -> None:
    watch.want(hot=True, operation="op-1")
    watch.lookers.wrote(ACCOUNT, WEB, poll_after_s=60)
    await watch.after(59)
    assert watch.lane.polls == []
    watch.lookers.wrote(ACCOUNT, WEB)
    await watch.after(5)
    assert watch.lane.polls == ["op-1"]


async def test_a_throttled_poll_waits_and_a_wish_without_an_end_does_not(watch: Watch) -> None:
    watch.lane.refuses_polls = Throttled(Reason(code=Code.THROTTLED, text="too many"), retry_after_s=1e9)
    watch.want(hot=True, operation="op-1")
    await watch.after(LONGEST_WAIT_S - 1)
    assert len(watch.lane.polls) == 1
    await watch.after(31)
    assert len(watch.lane.polls) == 2


@pytest.mark.parametrize("state", [OperationState.FAILED, OperationState.CANCELED, OperationState.LOST])
async def test_an_operation_that_ended_is_news_once_and_not_asked_for_again(
    watch: Watch, state: OperationState
) -> None:
    watch.lane.states["op-1"] = state
    watch.want(hot=True, operation="op-1")
    await watch.after(600)
    assert watch.lane.polls == ["op-1"]


async def test_looks_slow_down_from_five_seconds_to_thirty(watch: Watch) -> None:
    watch.want(hot=True)
    at: list[float] = []
    while watch.clock.monotonic() < 300:
        before = len(watch.lane.reads)
        await watch.after(0.5)
        at += [watch.clock.monotonic()] * (len(watch.lane.reads) - before)
    waits = [later - earlier for earlier, later in pairwise(at)]
    assert waits[0] == pytest.approx(5, abs=3)
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(30, abs=1)


async def test_garbage_about_one_node_pool_is_its_own_trouble_and_no_absence(watch: Watch) -> None:
    other = node_pool_ref("batch")
    watch.lane.pools[other] = node_pool("batch", 2)
    wants = [Want(account=ACCOUNT, node_pool=each, hot=False) for each in (WEB, other)]
    watch.lookers.attend(POOL, wants)
    await watch.after(0)
    watch.lane.alone[WEB] = Unavailable(Reason(code=Code.UNEXPECTED, text="no sizes that can be"))
    await watch.after(240)
    sight = watch.lookers.sight(ACCOUNT, WEB)
    assert sight.trouble is not None
    assert (sight.trouble.code, sight.proved and sight.proved.requested) == (Code.UNEXPECTED, 4)
    assert not watch.lookers.fresh(ACCOUNT, WEB)
    assert watch.lookers.fresh(ACCOUNT, other)
    assert watch.lookers.sight(ACCOUNT, other).trouble is None


async def test_nothing_is_read_for_a_pool_that_is_gone(watch: Watch) -> None:
    watch.want()
    await watch.after(0)
    watch.lookers.attend(POOL, ())
    await watch.after(3600)
    assert len(watch.lane.reads) == 1
    assert watch.lookers.observed_nodes(None) == 0


async def test_two_pools_share_one_read_and_count_a_node_pool_once(watch: Watch) -> None:
    other = replace(POOL, name="other")
    watch.want()
    watch.lookers.attend(other, [Want(account=ACCOUNT, node_pool=WEB, hot=False)])
    await watch.after(0)
    assert len(watch.lane.reads) == 1
    assert sorted(key.name for key in set(watch.heard.woken)) == ["other", "web"]
    assert watch.lookers.observed_nodes(None) == 4


async def test_an_identity_that_cannot_be_opened_is_a_fact_not_an_exception(watch: Watch) -> None:
    watch.lanes.failure = AWAY
    watch.want()
    await watch.after(0)
    assert watch.lookers.sight(ACCOUNT, WEB).looked
    watch.lanes.failure = None
    watch.lookers.account_changed(ACCOUNT)
    await watch.after(0)
    assert watch.lookers.fresh(ACCOUNT, WEB), "a mended account is tried at once"


async def test_a_foreign_operation_is_seen_in_full_reads(watch: Watch) -> None:
    watch.lane.pools[WEB] = replace(watch.lane.pools[WEB], activity=Activity.BUSY)
    watch.want()
    await watch.after(0)
    proved = watch.lookers.sight(ACCOUNT, WEB).proved
    assert proved is not None
    assert proved.activity is Activity.BUSY
