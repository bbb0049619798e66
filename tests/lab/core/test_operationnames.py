"""The operations that a fault may name are those that calls bear: every cloud's, at every port."""

from random import Random

import pytest
import requests

from multicloud_lab.core.journal import LAB
from multicloud_lab.operationnames import OPERATIONS
from multicloud_lab.thread import LabThread
from support.anycalls import SEED, Steps

BESIDE_THE_GATE = {"HandAutoscale", "HandAbort", "HandDelete", "HandRecreate", "HandSpotReclaim", "HandKillNode"}
"""Acts that no fault can hit: nothing answers them, and no operation comes of them."""


def test_whatever_is_called_is_known() -> None:
    with LabThread(SEED) as lab:
        steps = Steps(lab)
        rng = Random(5)  # noqa: S311  (repeatable on purpose)
        for _ in range(120):
            steps.take(rng)
        steps.close()
        lab.run(lambda inside: inside.faults.lift_all())
        _ask_besides(lab)
        told = {(str(entry["cloud"]), str(entry["operation"])) for entry in lab.journal()}
    called = {(cloud, name) for cloud, name in told if cloud != LAB and name not in BESIDE_THE_GATE}
    assert {pair for pair in called if pair[1] not in OPERATIONS[pair[0]]} == set()
    assert {cloud for cloud, _ in called} == OPERATIONS.keys()
    assert len(called) > 20


def _ask_besides(lab: LabThread) -> None:
    """Ask what the random steps do not: logins' endpoints, Compute, IAM, a member cluster."""
    ask, google = lab.document["arm"], lab.document["google"]
    token = requests.get(
        f"{google['metadata']}/computeMetadata/v1/instance/service-accounts/default/token",
        headers={"Metadata-Flavor": "Google"},
        timeout=10,
    ).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    compute = f"{lab.document['compute']['url']}/compute/v1/projects/shop-prod-1"
    requests.get(f"{compute}/aggregated/instanceGroupManagers", headers=bearer, timeout=10)
    wanted = {"api-version": "2018-02-01", "resource": "https://management.azure.com/"}
    at = f"{ask['metadata']}/metadata/identity/oauth2/token"
    requests.get(at, params=wanted, headers={"Metadata": "true"}, timeout=10)
    cluster = next(each for each in lab.document["clusters"] if each["cloud"] == "gcp")
    for path in ("/version", "/api/v1/nodes", "/api/v1/pods?watch=1&timeoutSeconds=1", "/apis"):
        requests.get(cluster["url"] + path, headers=bearer, verify=cluster["caFile"], timeout=10)


@pytest.mark.parametrize("where", ["list", "single"])
def test_the_admin_port_refuses_an_operation_that_there_is_not(where: str) -> None:
    fault = {"match": {"operation": "DescribeNodeGroup"}, "action": "hang"}
    with LabThread() as lab:
        body = [fault] if where == "list" else fault
        answer = requests.post(lab.document["admin"]["url"] + "/faults", json=body, timeout=10)
        assert answer.status_code == 400
        assert "DescribeNodeGroup is no operation: there are DescribeNodegroup, " in answer.json()["error"]
        assert lab.run(lambda inside: inside.faults.placed()) == []
