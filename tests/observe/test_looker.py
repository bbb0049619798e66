"""When clouds are read, how much, and who is woken by it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from multicloud.model.error import Throttled, Unavailable
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.size import Activity, Detail, OperationState
from multicloud.model.spec import AccountObject, AccountSpec, AwsAccount
from multicloud.observe.looker import Cadence, Lookers, Want
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
