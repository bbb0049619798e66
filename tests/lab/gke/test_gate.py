"""Calls that are held or dropped: what the vendor's client sees, and what the cloud did."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core import exceptions
from google.auth.transport.requests import AuthorizedSession
from requests import ConnectionError as LostConnection

from multicloud_lab.thread import LabThread

WEB = "projects/shop-prod-1/locations/europe-west1/clusters/shop-prod/nodePools/web"


def resize_meanwhile(pool: ThreadPoolExecutor, gke: Any, **options: Any) -> Future[Any]:
    return pool.submit(gke.set_node_pool_size, request={"name": WEB, "node_count": 3}, **options)


def resizes(lab: LabThread) -> list[tuple[object, object]]:
    entries = [entry for entry in lab.journal() if entry["operation"] == "SetNodePoolSize"]
    return [(entry["result"], entry["effective"]) for entry in entries]


def test_a_call_held_before_its_commit_has_done_nothing_yet(lab: LabThread, gke: Any) -> None:
    held = lab.hold("SetNodePoolSize", cluster="shop-prod", pool="web")
    with ThreadPoolExecutor(1) as pool:
        call = resize_meanwhile(pool, gke)
        lab.wait_reached(held)
        assert gke.get_node_pool(name=WEB).initial_node_count == 1
        assert resizes(lab) == []
        lab.release(held)
        assert call.result(10).name.startswith("operation-")
    assert resizes(lab) == [("200", True)]


def test_a_call_dropped_before_its_commit_did_nothing(lab: LabThread, gke: Any) -> None:
    held = lab.hold("SetNodePoolSize")
    with ThreadPoolExecutor(1) as pool:
        call = resize_meanwhile(pool, gke)
        lab.wait_reached(held)
        lab.release(held, "drop")
        with pytest.raises(exceptions.ServiceUnavailable):
            call.result(10)
    assert gke.get_node_pool(name=WEB).initial_node_count == 1
    assert resizes(lab) == [("Dropped", False)]


def test_a_lost_answer_is_unavailable_although_it_was_done(lab: LabThread, gke: Any) -> None:
    held = lab.hold("SetNodePoolSize", when="after")
    with ThreadPoolExecutor(1) as pool:
        call = resize_meanwhile(pool, gke)
        lab.wait_reached(held)
        assert resizes(lab) == [("200", True)]
        lab.release(held, "drop")
        with pytest.raises(exceptions.ServiceUnavailable):
            call.result(10)
    assert gke.get_node_pool(name=WEB).initial_node_count == 3


def test_a_client_that_hangs_up_does_not_stop_the_cloud(lab: LabThread, gke: Any) -> None:
    held = lab.hold("SetNodePoolSize")
    with ThreadPoolExecutor(1) as pool:
        call = resize_meanwhile(pool, gke, timeout=0.2)
        lab.wait_reached(held)
        with pytest.raises(exceptions.DeadlineExceeded):
            call.result(10)
    assert resizes(lab) == []
    lab.release(held)
    assert gke.get_node_pool(name=WEB).initial_node_count == 3
    assert resizes(lab) == [("200", True)]


def test_a_read_of_compute_can_lose_its_answer(lab: LabThread, compute: AuthorizedSession) -> None:
    url = f"{lab.document['compute']['url']}/compute/v1/projects/shop-prod-1/aggregated/instanceGroupManagers"
    compute.get(url)
    held = lab.hold("instanceGroupManagers.aggregatedList", when="after")
    lab.release(held, "drop")
    with pytest.raises(LostConnection):
        compute.get(url)
    assert compute.get(url).status_code == 200


def test_a_login_can_lose_its_answer(lab: LabThread, gke: Any) -> None:
    held = lab.hold("token")
    lab.release(held, "drop")
    with pytest.raises(exceptions.ServiceUnavailable, match="Getting metadata from plugin failed"):
        gke.get_node_pool(name=WEB, retry=None)
    assert lab.journal()[0]["result"] == "Dropped"


def test_a_reset_drops_what_is_held(lab: LabThread, gke: Any) -> None:
    held = lab.hold("SetNodePoolSize")
    with ThreadPoolExecutor(1) as pool:
        call = resize_meanwhile(pool, gke)
        lab.wait_reached(held)
        lab.run(lambda inner: inner.reset())
        with pytest.raises(exceptions.ServiceUnavailable):
            call.result(10)
    assert gke.get_node_pool(name=WEB).initial_node_count == 1
