"""Calls held or dropped before and after their commit, as boto3 sees them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import HTTPClientError

from multicloud_lab.thread import LabThread

WEB = {"clusterName": "shop-prod", "nodegroupName": "web"}


def resize(eks: Any, desired: int) -> Any:
    return eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": desired})


def wished(eks: Any) -> int:
    return int(eks.describe_nodegroup(**WEB)["nodegroup"]["scalingConfig"]["desiredSize"])


@pytest.mark.parametrize(("when", "seen_meanwhile"), [("before", 4), ("after", 6)])
def test_a_held_call_waits_while_others_pass(lab: LabThread, eks: Any, when: Any, seen_meanwhile: int) -> None:
    hold = lab.hold("UpdateNodegroupConfig", cluster="shop-prod", pool="web", when=when)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(resize, eks, 6)
        try:
            lab.wait_reached(hold)
            assert not answer.done()
            assert wished(eks) == seen_meanwhile
        finally:
            lab.release(hold)
        assert answer.result(10)["update"]["status"] == "InProgress"
    assert wished(eks) == 6


@pytest.mark.parametrize(
    ("when", "wished_after", "effective"),
    [
        pytest.param("before", 4, 0, id="never arrived"),
        pytest.param("after", 6, 1, id="lost answer"),
    ],
)
def test_a_dropped_call_is_a_broken_connection(
    lab: LabThread, eks: Any, when: Any, wished_after: int, effective: int
) -> None:
    lab.release(lab.hold("UpdateNodegroupConfig", when=when), "drop")
    with pytest.raises(HTTPClientError):
        resize(eks, 6)
    assert wished(eks) == wished_after
    assert len(lab.run(lambda running: running.journal.effective_resizes())) == effective
    assert len([entry for entry in lab.journal() if entry["operation"] == "UpdateNodegroupConfig"]) == 1


def test_only_the_nth_call_is_caught(lab: LabThread, eks: Any) -> None:
    lab.release(lab.hold("DescribeNodegroup", nth=2), "drop")
    assert wished(eks) == 4
    with pytest.raises(HTTPClientError):
        wished(eks)
    assert wished(eks) == 4


@pytest.mark.parametrize(
    ("service", "operation", "ask"),
    [
        ("autoscaling", "DescribeAutoScalingGroups", lambda client: client.describe_auto_scaling_groups()),
        ("sts", "GetCallerIdentity", lambda client: client.get_caller_identity()),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_other_ports_hold_too(
    lab: LabThread, connect: Any, service: str, operation: str, ask: Callable[[Any], Any], when: Any
) -> None:
    client = connect(service)
    lab.release(lab.hold(operation, when=when), "drop")
    with pytest.raises(HTTPClientError):
        ask(client)
    ask(client)


def test_a_hold_that_nothing_reaches_says_so(lab: LabThread) -> None:
    hold = lab.hold("UpdateNodegroupConfig")
    with pytest.raises(TimeoutError):
        lab.wait_reached(hold, timeout_s=0.05)


def test_a_call_still_held_ends_with_the_lab() -> None:
    with ThreadPoolExecutor(1) as threads:
        with LabThread() as running:
            own = running.document["credentials"]["aws"]
            eks = boto3.client(
                "eks",
                region_name="us-east-1",
                endpoint_url=running.document["eks"]["url"],
                aws_access_key_id=own["accessKeyId"],
                aws_secret_access_key=own["secretAccessKey"],
                config=Config(retries={"total_max_attempts": 1}),
            )
            hold = running.hold("ListClusters")
            answer = threads.submit(eks.list_clusters)
            running.wait_reached(hold)
        with pytest.raises(HTTPClientError):
            answer.result(20)
