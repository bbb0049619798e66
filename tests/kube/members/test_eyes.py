"""Looking into member clusters, over TLS on the lab's own Kubernetes APIs."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from multicloud.kube.members.watching import FIRST_WAIT_S, FRESH_S, REFUSED_WAIT_S
from multicloud.model.error import Unavailable, refused
from multicloud.model.member import Counted, Inside
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Kind, ObjectKey
from multicloud_lab.core.faultkinds import Answer, Deny, Garbage, Hang, Reset
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.nodes import NodeState
from multicloud_lab.thread import LabThread
from support import member
from support.inside import POOL, Onlooker, credential, eventually, login, onlooker, run_autoscaler, run_pods
from support.lab import lab

__all__ = ["lab"]

WEB = {"eks.amazonaws.com/nodegroup": "web"}
FOUR = Counted(nodes=4, ready=4)
CLUSTERS = [("aws", "shop-prod"), ("azure", "shop-prod"), ("gcp", "shop-batch")]
"""Each with four nodes in its pool `web`."""


@pytest.fixture
async def sees(lab: LabThread) -> AsyncIterator[Onlooker]:
    async with onlooker(lab, hosts=("127.0.0.1",)) as ready:
        yield ready


def asked(lab: LabThread, operation: str, cluster: str = "shop-prod") -> int:
    return sum((entry["operation"], entry["cluster"]) == (operation, cluster) for entry in lab.journal())


def booting(running: Lab, cloud: str, cluster: str) -> int:
    """Machines of `web` that exist and are not ready yet."""
    nodes = [
        node
        for group in running.machines()
        if (group.cloud, group.cluster, group.node_pool) == (cloud, cluster, "web")
        for node in group.nodes.nodes
    ]
    return sum(node.state is NodeState.BOOTING for node in nodes)


def fault(lab: LabThread, operation: str, action: object, **match: object) -> str:
    return lab.place(Fault(match=Match(operation=operation, cloud="kubernetes", **match), action=action))  # type: ignore[arg-type] # fields by name


async def test_nodes_are_counted_by_the_vendors_label(lab: LabThread, sees: Onlooker) -> None:
    logins = [login(cloud, cluster) for cloud, cluster in CLUSTERS]
    sees.attend(*logins)
    for each in logins:
        assert await sees.until(each, lambda inside: inside.counted) == Inside(counted=FOUR)
    assert set(sees.woken) == {POOL}


async def test_a_node_that_is_not_ready_lowers_ready_and_wakes_who_looks(lab: LabThread, sees: Onlooker) -> None:
    other = ObjectKey(kind=Kind.POOL, namespace="shop", name="batch")
    sees.attend(login())
    sees.attend(login("azure"), pool=other)
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    await sees.until(login("azure"), lambda inside: inside.counted == FOUR)
    sees.woken.clear()
    lab.hands(lambda hands: hands.resize("aws", "shop-prod", "web", 6))
    while lab.run(lambda running: booting(running, "aws", "shop-prod")) != 2:
        sees.advance(5)
    await sees.until(login(), lambda inside: inside.counted == Counted(nodes=6, ready=4))
    sees.advance(600)
    await sees.until(login(), lambda inside: inside.counted == Counted(nodes=6, ready=6))
    assert set(sees.woken) == {POOL}


async def test_at_rest_nobody_is_woken(lab: LabThread, sees: Onlooker) -> None:
    sees.attend(login())
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    sees.woken.clear()
    run_pods(lab, 1, cpu_millicores=100, node_selector=WEB)
    await sees.until(login(), lambda inside: inside.counted and inside.counted.needed == 1)
    sees.woken.clear()
    run_pods(lab, 3, cpu_millicores=100, node_selector=WEB)  # they need no other node, so nobody hears of them
    run_pods(lab, 1, name="last", namespace="other", cpu_millicores=1700, node_selector=WEB)
    await sees.until(login(), lambda inside: inside.counted and inside.counted.needed == 2)
    assert sees.woken == [POOL]


async def test_scheduled_requests_are_counted_and_their_end_too(lab: LabThread, sees: Onlooker) -> None:
    sees.attend(login())
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    run_pods(lab, 3, cpu_millicores=1000, node_selector=WEB)
    await sees.until(login(), lambda inside: inside.counted == Counted(nodes=4, ready=4, needed=2))
    run_pods(lab, 0, cpu_millicores=1000)
    with member.api(lab, "aws", member.token(lab, "aws")) as api:
        api.list_pod_for_all_namespaces()  # looking is what makes the lab's workloads act: now their end is set
    sees.advance(60)
    await sees.until(login(), lambda inside: inside.counted == FOUR)


async def test_pods_without_a_node_are_counted_until_they_have_one(lab: LabThread, sees: Onlooker) -> None:
    sees.attend(login())
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    run_pods(lab, 7, cpu_millicores=1000, node_selector=WEB)  # a node has room for one
    await sees.until(login(), lambda inside: inside.counted and inside.counted.unscheduled == 3)
    run_pods(lab, 4, cpu_millicores=1000, node_selector=WEB)
    await sees.until(login(), lambda inside: inside.counted and inside.counted.unscheduled == 0)


async def test_what_pods_without_a_node_ask_for_and_what_nodes_have_left_is_told(
    lab: LabThread, sees: Onlooker
) -> None:
    sees.attend(login())
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    run_pods(lab, 7, cpu_millicores=1000, node_selector=WEB)
    await sees.until(login(), lambda inside: inside.counted and inside.counted.unscheduled == 3)
    crowd = sees.eyes.crowd(login(), ["web", "none"])
    assert crowd is not None
    assert [(group.pods, group.shape.asks.cpu_m) for group in crowd.groups] == [(3, 1000)]
    assert (crowd.pools["web"].nodes, crowd.pools["none"].shape) == (4, None)
    assert all(room.free.cpu_m < 1000 and not room.empty for room in crowd.pools["web"].rooms)
    assert sees.eyes.crowd(login("azure"), ["web"]) is None


async def test_a_cordon_is_seen(lab: LabThread, sees: Onlooker) -> None:
    sees.attend(login())
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    with member.api(lab, "aws", member.token(lab, "aws")) as api:
        name = next(
            node.metadata.name
            for node in api.list_node().items
            if node.metadata.labels["eks.amazonaws.com/nodegroup"] == "web"
        )
        api.patch_node(name, {"spec": {"unschedulable": True}})
    await sees.until(login(), lambda inside: inside.counted == Counted(nodes=4, ready=4, cordoned=1))


async def test_one_watch_serves_every_pool_and_ends_with_the_last(lab: LabThread, sees: Onlooker) -> None:
    other = ObjectKey(kind=Kind.POOL, namespace="shop", name="batch")
    sees.attend(login())
    sees.attend(login(), pool=other)
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    assert asked(lab, "nodes.list") == 1
    sees.eyes.attend(POOL, {})
    assert sees.eyes.inside(login(), "web").counted == FOUR
    sees.eyes.attend(other, {})
    assert sees.eyes.inside(login(), "web") == Inside()


async def test_a_token_that_is_not_accepted_is_said(lab: LabThread, sees: Onlooker) -> None:
    wrong = [True]
    sees.lane.credentials = lambda _: credential(lab, "aws", **({"token": "none"} if wrong else {}))
    sees.attend(login())
    inside = await sees.until(login(), lambda inside: inside.trouble)
    assert inside.trouble is not None
    assert (inside.counted, inside.trouble.code) == (None, Code.AUTH_FAILED)
    wrong.clear()
    sees.eyes.account_changed(login().account)
    await sees.until(login(), lambda inside: inside.counted == FOUR)


@pytest.mark.parametrize(
    ("operation", "counted", "words"),
    [("nodes.list", None, "list nodes"), ("pods.list", replace(FOUR, needed=None, unscheduled=None), "list pods")],
)
async def test_what_rbac_refuses_is_named(
    lab: LabThread, sees: Onlooker, operation: str, counted: Counted | None, words: str
) -> None:
    fault(lab, operation, Deny())
    sees.attend(login())
    inside = await sees.until(login(), lambda inside: inside.trouble)
    assert inside.trouble == Reason(
        code=Code.DENIED,
        text=f"cluster shop-prod does not let us {words}; grant it (docs/cluster-access.md)",
    )
    assert inside.counted == counted


@pytest.mark.parametrize("action", [Hang(), Reset(), Garbage(form="html502"), Garbage(form="truncated")])
async def test_a_cluster_that_hangs_or_talks_garbage_keeps_to_itself(
    lab: LabThread, sees: Onlooker, action: object
) -> None:
    fault(lab, "nodes.list", action, cluster="shop-prod")
    sees.attend(login(), login("gcp", "shop-batch"))
    await sees.until(login("gcp", "shop-batch"), lambda inside: inside.counted == FOUR)
    assert sees.eyes.inside(login(), "web").counted is None


@pytest.mark.parametrize("operation", ["nodes.list", "nodes.watch"])
@pytest.mark.parametrize(
    "body",
    [
        '{"metadata": ["1"], "items": [], "type": "ADDED", "object": ["node"]}',
        '{"metadata": {"resourceVersion": "1"}, "items": 5, "type": "ADDED", "object": 5}',
        '{"metadata": {"resourceVersion": "1"}, "items": ["node"], "type": "ADDED", "object": {"metadata": "node"}}',
    ],
    ids=["lists", "numbers", "texts"],
)
async def test_a_cluster_that_answers_in_another_shape_is_listed_anew(
    lab: LabThread, sees: Onlooker, operation: str, body: str
) -> None:
    fault(lab, operation, Answer(status=200, body=body + "\n", content_type="application/json"))
    sees.attend(login())
    await eventually(lambda: asked(lab, operation))
    lists = asked(lab, "nodes.list")
    lab.run(lambda running: running.faults.lift_all())
    await sees.clock.until_asleep()
    await sees.clock.run_for(2 * FIRST_WAIT_S)
    await eventually(lambda: asked(lab, "nodes.list") > lists)
    await sees.until(login(), lambda inside: inside.counted == FOUR)


async def test_a_cluster_is_tried_again_with_longer_and_longer_waits(lab: LabThread, sees: Onlooker) -> None:
    reason = Reason(code=Code.UNAVAILABLE, text="away")
    sees.lane.failure = Unavailable(reason)
    sees.attend(login())
    await sees.clock.run_for(1 + 2 + 4 + 8 + 0.5)
    assert (len(sees.lane.asked_for), sees.eyes.inside(login(), "web")) == (5, Inside(trouble=reason))
    sees.lane.failure = None
    await sees.clock.run_for(16)
    await sees.until(login(), lambda inside: inside.counted == FOUR)


async def test_a_refusal_is_asked_again_rarely_and_at_once_when_the_account_changes(
    lab: LabThread, sees: Onlooker
) -> None:
    sees.lane.failure = refused(Code.DENIED, "no")
    sees.attend(login())
    await sees.clock.run_for(REFUSED_WAIT_S - 1)
    assert len(sees.lane.asked_for) == 1
    sees.lane.failure = None
    sees.eyes.account_changed(login().account)
    await sees.until(login(), lambda inside: inside.counted == FOUR)


async def test_another_identity_enters_anew(lab: LabThread, sees: Onlooker) -> None:
    sees.attend(login())
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    sees.eyes.account_changed(login("azure").account)
    assert sees.eyes.inside(login(), "web").counted == FOUR
    sees.eyes.account_changed(login().account)
    assert sees.eyes.inside(login(), "web") == Inside()
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    assert sees.lane.asked_for == [("shop-prod", False), ("shop-prod", False)]


async def test_what_is_too_old_counts_as_not_known(lab: LabThread, sees: Onlooker) -> None:
    sees.attend(login())
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    sees.clock.advance(FRESH_S + 1)
    assert sees.eyes.inside(login(), "web") == Inside()


async def test_a_token_is_renewed_before_it_ends(lab: LabThread, sees: Onlooker) -> None:
    soon = sees.clock.now() + timedelta(seconds=30)
    sees.lane.credentials = lambda _: credential(lab, "aws", expires_at=soon)
    sees.attend(login())
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    await eventually(lambda: ("shop-prod", True) in sees.lane.asked_for)
    assert asked(lab, "nodes.list") == 1


async def test_an_autoscaler_of_the_cluster_is_seen_while_it_lives(lab: LabThread, sees: Onlooker) -> None:
    run_autoscaler(lab, {"web": {"min": 1, "max": 9}})
    sees.attend(login(), autoscaler=True)
    # By our clock its first word is months old; that it moves between two looks proves that it lives.
    await sees.until(login(), lambda inside: inside.counted == FOUR)
    await eventually(lambda: sees.clock.next_wake() == 60)  # it has looked once, and looks again in a minute
    sees.advance(60)
    inside = await sees.until(login(), lambda inside: inside.autoscaled)
    assert [name for name in inside.autoscaled if "web" in name] == list(inside.autoscaled)
    await eventually(lambda: sees.clock.next_wake() == 120)
    run_autoscaler(lab, None)
    sees.clock.advance(60)
    await sees.until(login(), lambda inside: not inside.autoscaled)


async def test_nobody_asks_for_an_autoscaler_where_the_cloud_tells(lab: LabThread, sees: Onlooker) -> None:
    sees.attend(login("azure"))
    await sees.until(login("azure"), lambda inside: inside.counted == FOUR)
    assert asked(lab, "configmaps.get") == 0


def kubeconfig(lab: LabThread) -> bytes:
    where = member.place(lab, "aws")
    authority = base64.b64encode(Path(where["caFile"]).read_bytes()).decode()
    return yaml.safe_dump(
        {
            "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": where["url"], "certificate-authority-data": authority}}],
            "users": [{"name": "u", "user": {"token": member.aws_token(lab)}}],
        }
    ).encode()


async def test_a_kubeconfig_is_the_way_in_where_one_is_named(lab: LabThread, sees: Onlooker) -> None:
    sees.secrets.held["shop", "inside"] = {"kubeconfig": kubeconfig(lab)}
    sees.attend(login(kubeconfig="inside"))
    await sees.until(login(kubeconfig="inside"), lambda inside: inside.counted == FOUR)
    assert sees.lane.asked_for == []


async def test_a_kubeconfig_of_another_host_is_refused_and_nothing_is_sent(lab: LabThread) -> None:
    async with onlooker(lab, hosts=("*.example.com",)) as sees:
        sees.secrets.held["shop", "inside"] = {"kubeconfig": kubeconfig(lab)}
        sees.attend(login(kubeconfig="inside"))
        inside = await sees.until(login(kubeconfig="inside"), lambda inside: inside.trouble)
    assert inside.trouble is not None
    assert inside.trouble.code is Code.KUBECONFIG_REFUSED
    assert asked(lab, "nodes.list") == 0


async def test_a_secret_that_is_not_there_is_said(lab: LabThread, sees: Onlooker) -> None:
    sees.secrets.failure = refused(Code.SECRET_NOT_FOUND, "not there")
    sees.attend(login(kubeconfig="inside"))
    inside = await sees.until(login(kubeconfig="inside"), lambda inside: inside.trouble)
    assert inside.trouble is not None
    assert inside.trouble.code is Code.SECRET_NOT_FOUND
    assert "inside" in inside.trouble.text
