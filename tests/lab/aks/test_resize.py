"""A resize as the SDK sees it: PUT, operation, conflict, etag, and what the journal says."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ServiceResponseError,
)

from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.faultkinds import SlowNodes
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.lab import Lab
from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, GROUP, Pools, Send, engine_of

LONGEST_S = 181.0
"""An operation of the default seed has ended by then."""


def writes(lab: LabThread) -> list[dict[str, Any]]:
    return [dict(entry) for entry in lab.journal() if entry["operation"] == "AgentPools_CreateOrUpdate"]


def test_a_resize_runs_as_an_operation_and_ends_with_its_nodes(lab: LabThread, pools: Pools, send: Send) -> None:
    answer = pools.resize(6)
    url = pools.headers["Azure-AsyncOperation"]
    assert (pools.status, answer.provisioning_state, answer.count) == (200, "Scaling", 6)
    assert "Retry-After" not in pools.headers
    assert url.startswith(f"{lab.document['arm']['url']}/subscriptions/")
    assert url.endswith("?api-version=2016-03-30")
    assert "/locations/westeurope/operations/" in url
    running = send("GET", url).json()
    assert running == {"name": running["name"], "status": "InProgress", "startTime": "2026-01-01T00:00:00.000000Z"}

    lab.advance(LONGEST_S)

    ended = send("GET", url).json()
    assert (ended["name"], ended["status"]) == (running["name"], "Succeeded")
    assert ended["endTime"] > ended["startTime"]
    pool = pools.get()
    assert (pool.provisioning_state, pool.count) == ("Succeeded", 6)
    assert len(list(pools.azure.machines.list(GROUP, pools.cluster, "web"))) == 6


def test_the_operation_takes_as_long_as_the_seed_says(lab: LabThread, pools: Pools) -> None:
    pools.resize(5)
    lab.advance(59)
    assert pools.get().provisioning_state == "Scaling"
    lab.advance(LONGEST_S - 59)
    assert pools.get().provisioning_state == "Succeeded"


def test_the_sdks_own_poller_finishes(lab: LabThread, pools: Pools) -> None:
    pool = pools.get()
    pool.count = 7
    lab.run(lambda inside: setattr(inside.clock, "factor", 1000.0))
    poller = pools.azure.agent_pools.begin_create_or_update(GROUP, pools.cluster, "web", pool, polling_interval=0)
    assert poller.result(timeout=20).count == 7
    assert poller.status() == "Succeeded"


def test_scaling_down_drains_the_machines(lab: LabThread, pools: Pools) -> None:
    pools.resize(0)
    lab.advance(LONGEST_S)
    assert pools.get().count == 0
    assert list(pools.azure.machines.list(GROUP, pools.cluster, "web")) == []


def test_the_journal_tells_one_effective_resize(lab: LabThread, pools: Pools) -> None:
    pools.resize(6, headers={"x-ms-client-request-id": "intent-1"})
    (entry,) = writes(lab)
    client_id = lab.document["credentials"]["azure"]["clientId"]
    told = {name: entry[name] for name in ("cloud", "principal", "cluster", "pool", "token", "effective", "result")}
    assert told == {
        "cloud": "azure",
        "principal": client_id,
        "cluster": "shop-prod",
        "pool": "web",
        "token": "intent-1",
        "effective": True,
        "result": "200",
    }
    assert (entry["from"], entry["to"]) == (4, 6)
    assert [e.to for e in lab.run(lambda inside: inside.journal.effective_resizes())] == [6]


def test_a_put_without_a_change_succeeds_at_once(lab: LabThread, pools: Pools) -> None:
    before = pools.get()
    answer = pools.put(before)
    assert (pools.status, answer.provisioning_state, answer.e_tag) == (200, "Succeeded", before.e_tag)
    assert "Azure-AsyncOperation" not in pools.headers
    assert [entry["effective"] for entry in writes(lab)] == [False]


def test_a_second_change_meets_the_running_operation(lab: LabThread, pools: Pools) -> None:
    pools.resize(6)
    with pytest.raises(ResourceExistsError) as caught:
        pools.resize(8)
    error = caught.value
    assert error.status_code == 409
    assert error.error is not None
    assert error.error.code == "OperationNotAllowed"
    assert "Another agentpool operation (web - Scaling) is in progress" in str(error.error.message)
    assert [(entry["result"], entry["effective"]) for entry in writes(lab)] == [
        ("200", True),
        ("OperationNotAllowed", False),
    ]
    lab.advance(LONGEST_S)
    assert pools.get().count == 6


def test_pools_of_one_cluster_do_not_wait_for_each_other(lab: LabThread, pools: Pools) -> None:
    pools.resize(6)
    pools.resize(3, "system")
    lab.advance(LONGEST_S)
    assert (pools.get().count, pools.get("system").count) == (6, 3)


def test_the_etag_changes_when_accepted_and_when_done(lab: LabThread, pools: Pools) -> None:
    before = pools.get().e_tag
    accepted = pools.resize(6).e_tag
    assert pools.get().e_tag == accepted
    lab.advance(LONGEST_S)
    assert len({before, accepted, pools.get().e_tag}) == 3


def test_a_stale_etag_is_refused(lab: LabThread, pools: Pools) -> None:
    seen = pools.get()
    assert seen.e_tag is not None
    lab.run(lambda inside: engine_of(inside).resize_by_hand("shop-prod", "web", 5))
    lab.advance(LONGEST_S)
    seen.count = 9
    with pytest.raises(ResourceModifiedError) as caught:
        pools.put(seen, etag=seen.e_tag, match_condition=MatchConditions.IfNotModified)
    assert caught.value.status_code == 412
    assert caught.value.error is not None
    assert caught.value.error.code == "PreconditionFailed"
    assert pools.get().count == 5


def test_a_fresh_etag_is_taken(pools: Pools) -> None:
    etag = pools.get().e_tag
    assert pools.resize(6, etag=etag, match_condition=MatchConditions.IfNotModified).count == 6


@pytest.mark.parametrize(
    ("name", "headers", "status"),
    [
        pytest.param("web", {"If-None-Match": "*"}, 412, id="create-only-on-an-existing-pool"),
        pytest.param("new", {"If-Match": "*"}, 412, id="update-only-on-a-missing-pool"),
        pytest.param("web", {"If-Match": "*"}, 200, id="update-only-on-an-existing-pool"),
        pytest.param("new", {"If-None-Match": "*"}, 201, id="create-only-on-a-missing-pool"),
        pytest.param("web", {"If-Match": '"not-this", "nor-this"'}, 412, id="none-of-several"),
    ],
)
def test_preconditions(send: Send, name: str, headers: dict[str, str], status: int) -> None:
    body = {"properties": {"count": 5, "vmSize": "Standard_D4s_v5", "mode": "User"}}
    url = f"{CLUSTERS}/shop-prod/agentPools/{name}?api-version=2026-08-01"
    assert send("PUT", url, json=body, headers=headers).status_code == status


def test_get_can_show_the_machines_there_are(lab: LabThread, pools: Pools) -> None:
    def switch(inside: Lab) -> None:
        engine_of(inside).switches = Switches(get_shows="actual")

    lab.run(switch)
    assert pools.resize(6).count == 6
    assert pools.get().count == 4
    lab.advance(LONGEST_S)
    assert pools.get().count == 6


def test_a_failed_pool_shows_the_wish_under_either_switch(lab: LabThread, pools: Pools) -> None:
    def fail(inside: Lab) -> None:
        engine_of(inside).switches = Switches(get_shows="actual")
        engine_of(inside).fail(engine_of(inside).clusters[0].pools["web"], "AllocationFailed", "No capacity.")

    pools.resize(6)
    lab.run(fail)
    assert (pools.get().provisioning_state, pools.get().count) == ("Failed", 6)


def test_a_busy_cluster_takes_no_change_of_its_pools(lab: LabThread, pools: Pools) -> None:
    lab.run(lambda inside: engine_of(inside).update_cluster_by_hand("shop-prod", 600))
    for change in ({"count": 6}, {"count": 6, "vmSize": "Standard_D4s_v5"}):
        name = "new" if "vmSize" in change else "web"
        with pytest.raises(ResourceExistsError, match=r"\(shop-prod - Updating\) is in progress"):
            pools.put({"properties": change}, name)
    assert pools.get().count == 4


def test_a_hand_resizes_by_the_same_rules(lab: LabThread, pools: Pools) -> None:
    lab.run(lambda inside: engine_of(inside).resize_by_hand("shop-prod", "web", 6))
    assert (pools.get().provisioning_state, pools.get().count) == ("Scaling", 6)
    with pytest.raises(Exception, match=r"OperationNotAllowed: .*\(web - Scaling\)"):
        lab.run(lambda inside: engine_of(inside).resize_by_hand("shop-prod", "web", 7))
    with pytest.raises(Exception, match=r"InvalidParameter: .*1 to 1000"):
        lab.run(lambda inside: engine_of(inside).resize_by_hand("shop-prod", "system", 0))
    hands = [(e["principal"], e["pool"], e["effective"], e["result"], e["from"], e["to"]) for e in writes(lab)]
    assert hands == [
        ("hand", "web", True, "200", 4, 6),
        ("hand", "web", False, "OperationNotAllowed", None, None),
        ("hand", "system", False, "InvalidParameter", None, None),
    ]


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        pytest.param({"nodePool": "web", "to": 5}, 200, "", id="taken"),
        pytest.param({"nodePool": "none", "to": 5}, 400, "Could not find agent pool 'none'", id="no-such-pool"),
        pytest.param({"cluster": "none", "nodePool": "web", "to": 5}, 400, "known: shop-prod", id="no-such-cluster"),
        pytest.param({"nodePool": "system", "to": 0}, 400, "1 to 1000 nodes, not 0", id="refused-by-a-rule"),
    ],
)
def test_the_admin_port_lends_a_hand(lab: LabThread, body: dict[str, Any], status: int, sentence: str) -> None:
    url = f"{lab.document['admin']['url']}/hands/resize"
    answer = requests.post(url, json={"cloud": "azure", "cluster": "shop-prod", **body}, timeout=10)
    assert answer.status_code == status
    assert sentence in answer.text
    assert lab.journal()[-1]["principal"] == "hand"


def test_a_lost_answer_leaves_its_resize(lab: LabThread, pools: Pools) -> None:
    hold = lab.hold("AgentPools_CreateOrUpdate", "shop-prod", "web", "after")
    lab.release(hold, "drop")
    with pytest.raises(ServiceResponseError):
        pools.resize(6)
    assert pools.get().count == 6
    assert [(entry["effective"], entry["to"]) for entry in writes(lab)] == [(True, 6)]


def test_a_call_dropped_before_its_commit_changes_nothing(lab: LabThread, pools: Pools) -> None:
    hold = lab.hold("AgentPools_CreateOrUpdate", "shop-prod", "web", "before")
    lab.release(hold, "drop")
    with pytest.raises(ServiceResponseError):
        pools.resize(6)
    assert pools.get().count == 4
    assert [(entry["effective"], entry["result"]) for entry in writes(lab)] == [(False, "Dropped")]


def test_a_call_whose_client_died_is_committed_all_the_same(lab: LabThread, pools: Pools) -> None:
    hold = lab.hold("AgentPools_CreateOrUpdate", "shop-prod", "web", "before")
    with pytest.raises(ServiceResponseError):
        pools.resize(6, read_timeout=0.3)
    lab.wait_reached(hold)
    assert pools.get().count == 4
    lab.release(hold, "continue")
    assert pools.get().count == 6
    assert [(entry["effective"], entry["to"]) for entry in writes(lab)] == [(True, 6)]


def test_a_held_call_holds_up_nobody_else(lab: LabThread, pools: Pools) -> None:
    hold = lab.hold("AgentPools_CreateOrUpdate", "shop-prod", "web", "after")
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(pools.resize, 6)
        lab.wait_reached(hold)
        assert Pools(pools.azure, "shop-batch").resize(3).count == 3
        lab.release(hold)
        assert answer.result(10).count == 6


def test_a_failed_operation_tells_why_and_takes_a_new_put(lab: LabThread, pools: Pools, send: Send) -> None:
    pools.resize(6)
    url = pools.headers["Azure-AsyncOperation"]

    def fail(inside: Lab) -> None:
        pool = engine_of(inside).clusters[0].pools["web"]
        engine_of(inside).fail(pool, "AllocationFailed", "No capacity in westeurope.")

    lab.run(fail)
    status = send("GET", url).json()
    assert (status["status"], status["error"]["code"]) == ("Failed", "AllocationFailed")
    failed = pools.get()
    assert (failed.provisioning_state, failed.count) == ("Failed", 6)
    assert failed.status is not None
    assert failed.status.provisioning_error is not None
    assert failed.status.provisioning_error.code == "AllocationFailed"
    assert pools.put(failed).provisioning_state == "Updating"
    lab.advance(LONGEST_S)
    assert (pools.get().provisioning_state, pools.get().status) == ("Succeeded", None)


def test_an_operation_whose_machines_never_come_fails(lab: LabThread, pools: Pools, send: Send) -> None:
    lab.place(Fault(action=SlowNodes(factor=100), match=Match(pool="web")))
    pools.resize(6)
    url = pools.headers["Azure-AsyncOperation"]
    lab.advance(LONGEST_S + 605)
    told = send("GET", url).json()
    assert (told["status"], told["error"]["code"]) == ("Failed", "InternalOperationError")
    assert pools.get().provisioning_state == "Failed"


def test_an_aborted_operation_is_canceled(lab: LabThread, pools: Pools, send: Send) -> None:
    pools.resize(9)
    resize_url = pools.headers["Azure-AsyncOperation"]
    abort = send("POST", f"{CLUSTERS}/shop-prod/agentPools/web/abort?api-version=2026-08-01")
    assert abort.status_code == 202
    assert pools.get().provisioning_state == "Canceling"
    assert send("GET", abort.headers["Location"]).status_code == 202
    lab.advance(10)
    assert send("GET", abort.headers["Location"]).status_code == 204
    assert send("GET", abort.headers["Azure-AsyncOperation"]).json()["status"] == "Succeeded"
    assert send("GET", resize_url).json()["status"] == "Canceled"
    pool = pools.get()
    machines = list(pools.azure.machines.list(GROUP, pools.cluster, "web"))
    assert (pool.provisioning_state, pool.count) == ("Canceled", len(machines))
    again = send("POST", f"{CLUSTERS}/shop-prod/agentPools/web/abort?api-version=2026-08-01")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "OperationNotAllowed")


def test_reset_returns_to_the_seed_and_keeps_clients_logged_in(lab: LabThread, pools: Pools) -> None:
    pools.resize(6)
    lab.run(lambda inside: inside.reset())
    pool = pools.get()
    assert (pool.provisioning_state, pool.count) == ("Succeeded", 4)
    assert [entry["operation"] for entry in lab.journal()] == ["AgentPools_Get"]
    pools.resize(6)
    assert pools.headers["x-ms-ratelimit-remaining-subscription-writes"] == "199"


def test_echoing_what_was_read_changes_only_the_count(lab: LabThread, pools: Pools) -> None:
    before = pools.get().as_dict()["properties"]
    pools.resize(6)
    lab.advance(LONGEST_S)
    after = pools.get().as_dict()["properties"]
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {"count", "eTag"}


def test_a_pool_is_created_and_fills(lab: LabThread, pools: Pools) -> None:
    answer = pools.put({"properties": {"count": 2, "vmSize": "Standard_D4s_v5", "mode": "User"}}, "extra")
    assert (pools.status, answer.provisioning_state) == (201, "Creating")
    assert pools.headers["Retry-After"] == "10"
    lab.advance(LONGEST_S)
    made = pools.get("extra")
    assert (made.provisioning_state, made.count, made.os_type) == ("Succeeded", 2, "Linux")


def test_a_pool_stops_and_starts(lab: LabThread, pools: Pools) -> None:
    stopped = pools.put({"properties": {"powerState": {"code": "Stopped"}}})
    assert (stopped.provisioning_state, stopped.count) == ("Stopping", 0)
    lab.advance(LONGEST_S)
    started = pools.put({"properties": {"powerState": {"code": "Running"}}})
    assert (started.provisioning_state, started.count) == ("Starting", 4)
    lab.advance(LONGEST_S)
    assert pools.get().provisioning_state == "Succeeded"


def test_the_rules_refuse_before_anything_changes(lab: LabThread, pools: Pools) -> None:
    with pytest.raises(HttpResponseError) as caught:
        pools.resize(1001)
    assert caught.value.status_code == 400
    assert caught.value.error is not None
    assert (caught.value.error.code, caught.value.error.target) == ("InvalidParameter", "agentPoolProfile.count")
    assert (pools.get().provisioning_state, pools.get().count) == ("Succeeded", 4)
    assert [(entry["result"], entry["effective"]) for entry in writes(lab)] == [("InvalidParameter", False)]


def test_operations_are_forgotten_after_a_day(lab: LabThread, pools: Pools, send: Send) -> None:
    pools.resize(5)
    url = pools.headers["Azure-AsyncOperation"]
    lab.advance(24 * 3600)
    pools.resize(6)
    assert send("GET", url).json()["status"] == "Succeeded"
    lab.advance(3600)
    pools.resize(7)
    assert send("GET", url).status_code == 404
