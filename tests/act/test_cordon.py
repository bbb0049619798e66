"""Which nodes are closed to new pods before a removal, and which are opened again."""

from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from multicloud.act.brake import Booking
from multicloud.act.cordon import MOST_NODES, Choice, Cordoner, choose
from multicloud.act.prepare import Dispatch
from multicloud.model.member import ClusterLogin, SeenNode
from multicloud.model.plan import Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Intent, LastResize, Removal
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.size import Resize
from multicloud.model.spec import Failover
from support.builders import NOW, POOL, intent, member, node_pool, node_pool_ref, seconds, snapshot
from support.eyes import MemoryEyes
from support.fence import OpenFence

ACCOUNT = ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="aws-prod")


def node(
    name: str, filled: float | None = 0.5, *, ready: bool = True, cordoned: bool = False, marked: bool = False
) -> SeenNode:
    return SeenNode(name=name, ready=ready, cordoned=cordoned or marked, marked=marked, filled=filled)


def opened_by_hand(name: str) -> SeenNode:
    return SeenNode(name=name, ready=True, cordoned=False, marked=True, filled=0.5)


NONE = Choice(close=(), open=())

CLOSED = [
    ("the emptiest", [node("a", 0.9), node("b", 0.1), node("c", 0.5), node("d", 0.2)], 2, ("b", "d")),
    ("by name where they are alike", [node("c"), node("a"), node("d"), node("b")], 2, ("a", "b")),
    ("an empty one before all", [node("a", 0.01), node("b", 0.0)], 1, ("b",)),
    ("none when all stay", [node("a"), node("b")], 2, ()),
    ("none when more are to come", [node("a"), node("b")], 9, ()),
    ("all when none stays", [node("a", 0.3), node("b", 0.2)], 0, ("b", "a")),
    ("one that is not ready takes no pods", [node("a", 0.0, ready=False), node("b", 0.2), node("c")], 1, ("b",)),
    ("one that others closed takes none", [node("a", 0.0, cordoned=True), node("b", 0.2), node("c")], 1, ("b",)),
    ("enough are closed by others", [node("a", cordoned=True), node("b"), node("c")], 2, ()),
    ("what was closed before suffices", [node("a", 0.4, marked=True), node("b", 0.1), node("c")], 2, ()),
    ("and the emptiest beside it", [node("a", 0.4, marked=True), node("b", 0.1), node("c")], 1, ("b",)),
    ("one that a person opened is one of them all", [opened_by_hand("a"), node("b", 0.1)], 1, ("b",)),
    ("nobody is the emptiest unseen", [node("a", None), node("b", None)], 1, ()),
    ("no nodes", [], 0, ()),
]


@pytest.mark.parametrize(("nodes", "stay", "close"), [case[1:] for case in CLOSED], ids=[case[0] for case in CLOSED])
def test_closed_are(nodes: list[SeenNode], stay: int, close: tuple[str, ...]) -> None:
    assert choose(nodes, stay).close == close
    assert choose(nodes[::-1], stay).close == close


OPENED = [
    ("none while as many are to go", [node("a", marked=True), node("b")], 1, ()),
    ("those that stay after all", [node("a", marked=True), node("b", marked=True), node("c")], 3, ("a", "b")),
    ("the fuller ones", [node("a", 0.4, marked=True), node("b", 0.1, marked=True), node("c")], 2, ("a",)),
    ("where another one goes", [node("a", marked=True), node("b", cordoned=True), node("c")], 2, ("a",)),
    ("where another one is not ready", [node("a", marked=True), node("b", ready=False), node("c")], 2, ("a",)),
    ("not while it is not ready itself", [node("a", marked=True, ready=False), node("b")], 2, ()),
    ("never those of others", [node("a", cordoned=True), node("b")], 2, ()),
    ("the mark of one that a person opened", [opened_by_hand("a"), node("b")], 1, ("a",)),
    ("also unseen", [node("a", None, marked=True), node("b", None)], 2, ("a",)),
]


@pytest.mark.parametrize(("nodes", "stay", "opened"), [case[1:] for case in OPENED], ids=[case[0] for case in OPENED])
def test_opened_are(nodes: list[SeenNode], stay: int, opened: tuple[str, ...]) -> None:
    assert choose(nodes, stay).open == opened


def test_what_was_chosen_once_is_chosen_no_second_time() -> None:
    nodes = [node("a", 0.9), node("b", 0.1), node("c", 0.5)]
    assert choose(nodes, 1).close == ("b", "c")
    done = [node("a", 0.9), node("b", 0.1, marked=True), node("c", 0.5, marked=True)]
    assert choose(done, 1) == NONE


OF_ANOTHER = Reason(code=Code.NODE_POOL_CLAIMED, text="the node pool already belongs to another")


def eyes(*nodes: SeenNode) -> MemoryEyes:
    made = MemoryEyes(wake=lambda *_: None, fence=OpenFence())
    made.show_nodes("shop-prod", "web", nodes)
    return made


def seen_from(inside: MemoryEyes, **view: Any) -> Snapshot:
    """A pool at rest with a member whose cluster shows these nodes."""
    one = member("web", 2)
    login = ClusterLogin(account=ACCOUNT, cluster=one.view.node_pool.cluster)
    return snapshot(one.viewed(login=login, inside=inside.inside(login, "web"), **view), replicas=2)


@pytest.mark.parametrize(
    ("view", "opened"),
    [
        ({}, ["open a"]),
        ({"paused": True}, ["open a"]),
        ({"claimed_by_other": OF_ANOTHER}, []),
        ({"refusal": OF_ANOTHER}, []),
    ],
    ids=["ours", "of a paused account", "another's", "refused"],
)
async def test_only_marks_in_our_own_node_pools_are_taken_away(view: dict[str, Any], opened: list[str]) -> None:
    inside = eyes(node("a", marked=True), node("b"))
    seen = seen_from(inside, **view)
    assert await Cordoner(inside).release(seen, seen.record)
    assert inside.patched == opened


async def test_a_row_has_an_end_and_what_is_left_is_opened_by_the_next_pass() -> None:
    inside = eyes(*(node(f"n{number:02}", marked=True) for number in range(MOST_NODES + 1)))
    for opened in (MOST_NODES, MOST_NODES + 1):
        seen = seen_from(inside)
        assert await Cordoner(inside).release(seen, seen.record)
        assert len(inside.patched) == opened


async def test_what_could_not_be_opened_is_tried_again() -> None:
    inside = eyes(node("a", marked=True), node("b"))
    inside.trouble = Reason(code=Code.DENIED, text="cluster shop-prod does not let us patch nodes")
    seen = seen_from(inside)
    assert not await Cordoner(inside).release(seen, seen.record)


LOGIN = ClusterLogin(account=ACCOUNT, cluster=node_pool_ref("web").cluster)
THREE = (node("a", 0.9), node("b", 0.1), node("c", 0.5))
DENIED = Reason(code=Code.DENIED, text="cluster shop-prod does not let us patch nodes")


def shrinking(to: int, login: ClusterLogin | None = LOGIN) -> Dispatch:
    return Dispatch(
        member="eks",
        account=ACCOUNT,
        change=Resize(pool=node_pool("web", 3), to=to),
        intent=intent(3, to),
        removal=Removal(),
        login=login,
        booking=Booking(at_s=0.0, account=ACCOUNT, nodes=to - 3),
        failover=Failover(),
    )


async def test_before_nodes_go_the_emptiest_are_closed_and_bear_whose_and_for_what() -> None:
    inside = eyes(*THREE)
    assert await Cordoner(inside).close(POOL, shrinking(1)) is None
    assert inside.patched == ["close b", "close c"]
    assert inside.marks == [f"shop/web/{intent(3, 1).id}"]


async def test_why_they_were_not_closed_is_told() -> None:
    inside = eyes(*THREE)
    inside.trouble = DENIED
    assert await Cordoner(inside).close(POOL, shrinking(1)) == DENIED


async def test_a_row_that_is_closed_has_an_end_too() -> None:
    inside = eyes(*(node(f"n{number:02}") for number in range(MOST_NODES + 2)))
    assert await Cordoner(inside).close(POOL, shrinking(0)) is None
    assert len(inside.patched) == MOST_NODES


@pytest.mark.parametrize(
    ("to", "login"), [(3, LOGIN), (1, None)], ids=["all stay", "a cluster that is not looked into"]
)
async def test_nothing_is_closed(to: int, login: ClusterLogin | None) -> None:
    inside = eyes(*THREE)
    assert await Cordoner(inside).close(POOL, shrinking(to, login)) is None
    assert (inside.patched, inside.marks) == ([], [])


async def test_without_eyes_nothing_is_closed_or_opened() -> None:
    blind, seen = Cordoner(None), seen_from(eyes(node("a", marked=True)))
    assert await blind.close(POOL, shrinking(1)) is None
    assert await blind.release(seen, seen.record)


LONGEST_S = 900.0
GONE = Reason(code=Code.DELIVERED, text="the cloud took the size that was asked for")


def after(settled_s: float) -> dict[str, Any]:
    """What a member remembers of a removal that the cloud took so long ago."""
    at = NOW - seconds(settled_s)
    return {"removal": Removal(), "last_resize": LastResize(id="1", origin=3, target=2, at=at, outcome=GONE)}


def asked(age_s: float) -> dict[str, Intent]:
    return {"intent": intent(2, 1, age_s=age_s)}


@pytest.mark.parametrize(
    ("remembered", "opened"),
    [
        pytest.param({}, ["open a"], id="nothing goes"),
        pytest.param(asked(10), [], id="asked for"),
        pytest.param(asked(LONGEST_S - 1), [], id="asked for long ago"),
        pytest.param(asked(LONGEST_S), ["open a"], id="asked for, and late"),
        pytest.param(after(10), [], id="on its way out"),
        pytest.param(after(LONGEST_S - 1), [], id="still"),
        pytest.param(after(LONGEST_S), ["open a"], id="too long"),
        pytest.param(after(10) | {"removal": Removal(ended_at=NOW)}, ["open a"], id="gone: it was another one"),
        pytest.param(after(10) | {"last_resize": None}, ["open a"], id="a removal of which no resize is known"),
        pytest.param(after(10) | {"removal": None}, ["open a"], id="no removal"),
    ],
)
async def test_a_mark_stays_while_its_node_is_on_its_way_out(remembered: dict[str, Any], opened: list[str]) -> None:
    """Of two nodes one is to stay; the cloud's own size says so already."""
    inside = eyes(node("a", 0.1, marked=True), node("b"))
    one = member("web", 1).seen(nodes=2, ready=2).remembered(**remembered)
    view = one.viewed(login=LOGIN, inside=inside.inside(LOGIN, "web"))
    seen = snapshot(view, replicas=1)
    assert await Cordoner(inside).release(seen, seen.record)
    assert inside.patched == opened


async def test_what_changes_a_node_leaves_a_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests of this process may have configured logs, and a logger may keep what it was bound to then.
    structlog.reset_defaults()
    monkeypatch.setattr("multicloud.act.cordon.audit", structlog.get_logger("audit"))
    inside = eyes(*THREE)
    with capture_logs() as lines:
        await Cordoner(inside).close(POOL, shrinking(2))
        seen = seen_from(inside)
        await Cordoner(inside).release(seen, seen.record)
    about = {"log_level": "info", "pool": str(POOL), "node_pool": str(node_pool_ref("web")), "outcome": "Accepted"}
    assert lines == [
        {**about, "event": "nodes cordoned", "member": "eks", "nodes": ["b"]},
        {**about, "event": "nodes uncordoned", "member": "web", "nodes": ["b"]},
    ]


async def test_what_changes_no_node_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    structlog.reset_defaults()
    monkeypatch.setattr("multicloud.act.cordon.audit", structlog.get_logger("audit"))
    inside = eyes(*THREE)
    inside.trouble = DENIED
    with capture_logs() as lines:
        await Cordoner(inside).close(POOL, shrinking(2))
    assert lines == []
