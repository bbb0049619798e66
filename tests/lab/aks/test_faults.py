"""Faults as a client of ARM sees them: in ARM's form, and in the operations that it waits for."""

import json
from typing import Any

import pytest
import requests

from multicloud_lab.core.faultkinds import (
    Action,
    Answer,
    AuthExpire,
    ClockSkew,
    Deny,
    DuplicateApply,
    Garbage,
    OperationFail,
    OperationForgotten,
    OperationStuck,
    Partial,
    Preempt,
    StaleRead,
    Throttle,
)
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, GROUP, Pools, Send, credential

LONGEST_S = 300.0
WEB = f"{CLUSTERS}/shop-prod/agentPools/web?api-version=2026-08-01"


def place(lab: LabThread, action: Action, operation: str | None = None, **options: Any) -> None:
    lab.place(Fault(action=action, match=Match(operation=operation, cloud="azure"), **options))


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        pytest.param(Answer(status=503, code="ServerBusy", message="Busy."), 503, "ServerBusy", id="answer"),
        pytest.param(Answer(status=500), 500, "InternalServerError", id="answer-without-code"),
        pytest.param(Throttle(), 429, "TooManyRequests", id="throttle"),
        pytest.param(AuthExpire(), 401, "ExpiredAuthenticationToken", id="expired"),
        pytest.param(Deny(), 403, "AuthorizationFailed", id="deny"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_errors_in_arms_form(lab: LabThread, send: Send, action: Action, status: int, code: str, when: Any) -> None:
    place(lab, action, "AgentPools_CreateOrUpdate", when=when, times=1)
    answer = send("PUT", WEB, json={"properties": {"count": 6}})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert answer.headers["x-ms-request-id"]
    assert ("Retry-After" in answer.headers) is (status == 429)
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    if status == 403:
        assert (
            "perform action 'Microsoft.ContainerService/managedClusters/agentPools/write' over scope"
            in error["message"]
        )
    entry = [entry for entry in lab.journal() if entry["operation"] == "AgentPools_CreateOrUpdate"][-1]
    told = (False, code) if when == "before" else (True, "200")
    assert (entry["effective"], entry["result"]) == told
    assert send("GET", WEB).json()["properties"]["count"] == (4 if when == "before" else 6)


@pytest.mark.parametrize(
    ("action", "status", "content_type", "readable"),
    [
        pytest.param(Garbage(form="html502"), 502, "text/html", False, id="html"),
        pytest.param(Garbage(form="truncated"), 200, "application/json", False, id="truncated"),
        pytest.param(Garbage(form="wrongType"), 200, "text/plain", False, id="type"),
        pytest.param(Garbage(form="empty"), 200, "application/json", False, id="empty"),
        pytest.param(Answer(status=200, body="[]", content_type="text/json"), 200, "text/json", True, id="own-body"),
    ],
)
def test_bodies_of_no_arm(lab: LabThread, action: Action, status: int, content_type: str, *, readable: bool) -> None:
    arm = lab.document["arm"]
    token = credential(lab).get_token("https://management.azure.com/.default").token
    place(lab, action, "AgentPools_Get")
    answer = requests.get(
        arm["url"] + WEB, headers={"Authorization": f"Bearer {token}"}, verify=arm["caFile"], timeout=10
    )
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (status, content_type)
    try:
        json.loads(answer.text)
    except ValueError:
        assert not readable
    else:
        assert readable


def test_reads_can_be_stale(lab: LabThread, pools: Pools) -> None:
    place(lab, StaleRead(seconds=60), "AgentPools_Get")
    assert pools.get().count == 4
    pools.put({"properties": {"count": 6}})
    assert pools.get().count == 4
    lab.advance(61)
    assert pools.get().count == 6


def test_a_skewed_clock_spoils_tokens(lab: LabThread, send: Send) -> None:
    place(lab, ClockSkew(seconds=4000))
    assert send("GET", WEB).json()["error"]["code"] == "ExpiredAuthenticationToken"
    lab.run(lambda inside: inside.faults.lift_all())
    place(lab, ClockSkew(seconds=-4000))
    assert send("GET", WEB).json()["error"]["code"] == "InvalidAuthenticationToken"


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        pytest.param(OperationFail(code="SubnetIsFull", message="No address."), "Failed", "SubnetIsFull", id="told"),
        pytest.param(OperationFail(), "Failed", "InternalOperationError", id="usual"),
        pytest.param(Partial(nodes=1), "Failed", "ZonalAllocationFailed", id="partial"),
        pytest.param(Preempt(), "Failed", "AKSOperationPreempted", id="preempted"),
        pytest.param(OperationStuck(), "InProgress", None, id="stuck"),
        pytest.param(DuplicateApply(), "Succeeded", None, id="twice"),
    ],
)
def test_operations_go_wrong(
    lab: LabThread, pools: Pools, send: Send, action: Action, status: str, code: str | None
) -> None:
    place(lab, action, "AgentPools_CreateOrUpdate", times=1)
    pools.resize(7)
    lab.advance(LONGEST_S)
    told = send("GET", pools.headers["Azure-AsyncOperation"]).json()
    assert (told["status"], told.get("error", {}).get("code")) == (status, code)
    assert lab.violations() == []
    pool = pools.get()
    assert pool.count == 7
    machines = len(list(pools.azure.machines.list(GROUP, "shop-prod", "web")))
    match action:
        case OperationFail():
            assert pool.status is not None
            assert pool.status.provisioning_error is not None
            assert (pool.provisioning_state, pool.status.provisioning_error.code, machines) == ("Failed", code, 4)
        case Partial():
            assert (pool.provisioning_state, machines) == ("Failed", 5)
        case OperationStuck():
            assert (pool.provisioning_state, machines) == ("Scaling", 7)
        case DuplicateApply():
            assert machines == 7
    if isinstance(action, OperationStuck):
        send("POST", f"{CLUSTERS}/shop-prod/agentPools/web/abort?api-version=2026-08-01")
    lab.advance(2 * LONGEST_S)
    assert pools.put(pools.get()).provisioning_state in {"Succeeded", "Updating"}
    lab.advance(LONGEST_S)
    assert (pools.get().provisioning_state, pools.get().count) == ("Succeeded", 7)
    assert len(list(pools.azure.machines.list(GROUP, "shop-prod", "web"))) == 7


def test_an_operation_can_be_forgotten(lab: LabThread, pools: Pools, send: Send) -> None:
    place(lab, OperationForgotten(), "AgentPools_CreateOrUpdate", times=1)
    pools.resize(7)
    assert send("GET", pools.headers["Azure-AsyncOperation"]).status_code == 404
    lab.advance(LONGEST_S)
    assert (pools.get().provisioning_state, pools.get().count) == ("Succeeded", 7)


@pytest.mark.parametrize(
    ("action", "number"),
    [
        pytest.param(AuthExpire(), "AADSTS7000222", id="expired-secret"),
        pytest.param(Deny(), "AADSTS7000112", id="disabled"),
        pytest.param(Throttle(), "AADSTS90055", id="throttled"),
        pytest.param(Answer(status=400, message="No."), "AADSTS90033", id="answer"),
    ],
)
def test_the_authority_has_faults_too(lab: LabThread, action: Action, number: str) -> None:
    place(lab, action, "Entra_Token", times=1)
    with pytest.raises(Exception, match=number):
        credential(lab).get_token("https://management.azure.com/.default")
    assert credential(lab).get_token("https://management.azure.com/.default").token
