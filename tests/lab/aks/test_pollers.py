"""The SDK's own pollers end on every path: success, failure, cancellation, lost and late answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.containerservice.models import AgentPool

from multicloud_lab.core.faultkinds import (
    Action,
    Answer,
    LostResponse,
    OperationFail,
    OperationForgotten,
    OperationStuck,
    Partial,
    Preempt,
)
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.aks import GROUP, client

PUT = "AgentPools_CreateOrUpdate"
STATUS = "Operations_GetStatus"
CLUSTER = "shop-prod"
END_S = 60.0
"""How long a poller may take, in real seconds."""


@pytest.fixture
def running() -> Iterator[LabThread]:
    with LabThread(factor=1000.0) as lab:
        yield lab


@pytest.fixture
def azure(running: LabThread) -> Iterator[ContainerServiceClient]:
    with client(running, polling_interval=0) as made:
        yield made


def place(lab: LabThread, action: Action, operation: str = PUT, times: int | None = 1) -> None:
    lab.place(Fault(action=action, match=Match(operation=operation, cloud="azure"), times=times))


def resize(azure: ContainerServiceClient, count: int, **options: Any) -> Any:
    pool = azure.agent_pools.get(GROUP, CLUSTER, "web")
    pool.count = count
    return azure.agent_pools.begin_create_or_update(GROUP, CLUSTER, "web", pool, **options)


@pytest.mark.parametrize(("name", "count"), [("web", 7), ("web", 0), ("web", 4), ("new", 2)])
def test_success(azure: ContainerServiceClient, name: str, count: int) -> None:
    wished = AgentPool({"properties": {"count": count, "vmSize": "Standard_D4s_v5"}})
    poller: Any = azure.agent_pools.begin_create_or_update(GROUP, CLUSTER, name, wished)
    assert poller.result(END_S).count == count
    assert (poller.done(), poller.status()) == (True, "Succeeded")
    assert azure.agent_pools.get(GROUP, CLUSTER, name).provisioning_state == "Succeeded"


@pytest.mark.parametrize(
    ("action", "code"),
    [
        pytest.param(OperationFail(code="QuotaExceeded", message="No more."), "QuotaExceeded", id="told"),
        pytest.param(OperationFail(), "InternalOperationError", id="usual"),
        pytest.param(Partial(nodes=1), "ZonalAllocationFailed", id="partial"),
        pytest.param(Preempt(), "AKSOperationPreempted", id="preempted"),
    ],
)
def test_failure(running: LabThread, azure: ContainerServiceClient, action: Action, code: str) -> None:
    place(running, action)
    with pytest.raises(HttpResponseError) as caught:
        resize(azure, 7).result(END_S)
    assert (caught.value.status_code, caught.value.error and caught.value.error.code) == (200, code)


def test_a_stockout(running: LabThread, azure: ContainerServiceClient) -> None:
    running.run(lambda inside: inside.capacity.set_free("azure", None, None, 1))
    with pytest.raises(HttpResponseError, match="ZonalAllocationFailed"):
        resize(azure, 7).result(END_S)


def test_cancellation(running: LabThread, azure: ContainerServiceClient) -> None:
    place(running, OperationStuck())
    poller = resize(azure, 7)
    azure.agent_pools.begin_abort_latest_operation(GROUP, CLUSTER, "web").result(END_S)
    with pytest.raises(HttpResponseError, match="Canceled"):
        poller.result(END_S)
    assert azure.agent_pools.get(GROUP, CLUSTER, "web").provisioning_state == "Canceled"


def test_the_pool_taken_away_under_it(running: LabThread, azure: ContainerServiceClient) -> None:
    place(running, OperationStuck())
    poller = resize(azure, 7)
    running.hands(lambda hands: hands.delete("azure", CLUSTER, "web"))
    with pytest.raises(HttpResponseError):
        poller.result(END_S)


def test_a_forgotten_operation(running: LabThread, azure: ContainerServiceClient) -> None:
    place(running, OperationForgotten())
    with pytest.raises(HttpResponseError, match="NotFound") as caught:
        resize(azure, 7).result(END_S)
    assert caught.value.status_code == 404


def test_a_lost_answer_meets_its_own_success_when_it_is_sent_again(running: LabThread) -> None:
    place(running, LostResponse())
    with client(running, polling_interval=0) as azure:
        azure._config.retry_policy.total_retries = 3
        running.run(lambda inside: setattr(inside.clock, "factor", 0.0))
        with pytest.raises(HttpResponseError, match="Another agentpool operation"):
            resize(azure, 7)
        running.advance(300)
        assert resize(azure, 7).result(END_S).count == 7
    writes = [entry for entry in running.journal() if entry["operation"] == PUT]
    assert [entry["effective"] for entry in writes] == [True, False, False]


@pytest.mark.parametrize(
    "action", [LostResponse(), Answer(status=503), Answer(status=429, headers={"Retry-After": "0"})]
)
def test_polls_that_go_wrong_are_sent_again(running: LabThread, azure: ContainerServiceClient, action: Action) -> None:
    azure._config.retry_policy.total_retries = 3
    poller = resize(azure, 7)
    place(running, action, STATUS)
    assert poller.result(END_S).count == 7


def test_deletion(azure: ContainerServiceClient) -> None:
    poller = azure.agent_pools.begin_delete(GROUP, CLUSTER, "web")
    poller.result(END_S)
    assert poller.status() == "Succeeded"
    with pytest.raises(ResourceNotFoundError):
        azure.agent_pools.get(GROUP, CLUSTER, "web")


def test_a_failed_deletion(running: LabThread, azure: ContainerServiceClient) -> None:
    place(running, OperationFail(code="DrainFailed", message="A pod would not go."), "AgentPools_Delete")
    with pytest.raises(HttpResponseError, match="DrainFailed"):
        azure.agent_pools.begin_delete(GROUP, CLUSTER, "web").result(END_S)
    assert azure.agent_pools.get(GROUP, CLUSTER, "web").count == 4
