from collections.abc import Mapping
from typing import Any

import pytest

from multicloud.kube.client import KubeClient, KubeError
from multicloud.kube.stop import KubeStop
from multicloud.model.plan import Stop


@pytest.fixture
def switch(kube: KubeClient, plain_namespace: str) -> KubeStop:
    return KubeStop(kube, namespace=plain_namespace)


async def test_stopping_and_starting(switch: KubeStop) -> None:
    assert await switch.read() is Stop.NONE
    await switch.stop(shrink_only=True)
    assert await switch.read() is Stop.SHRINK_ONLY
    await switch.stop(shrink_only=False)
    assert await switch.read() is Stop.ALL
    assert await switch.start()
    assert await switch.read() is Stop.NONE
    assert not await switch.start()


@pytest.mark.parametrize(
    "data",
    [{}, {"shrinkOnly": "True"}, {"shrinkOnly": "false"}, {"shrinkonly": "true"}, {"note": "INC-42"}],
    ids=["nothing", "another spelling", "false", "another case", "something else"],
)
async def test_a_switch_made_by_hand_stops_everything_unless_it_says_otherwise_exactly(
    kube: KubeClient, switch: KubeStop, plain_namespace: str, data: Mapping[str, Any]
) -> None:
    body = {"metadata": {"name": "multicloud-stop"}, "data": data}
    await kube.call("POST", f"/api/v1/namespaces/{plain_namespace}/configmaps", body=body)
    assert await switch.read() is Stop.ALL


async def test_a_switch_that_cannot_be_read_is_an_error_and_no_word(stranger: KubeClient, plain_namespace: str) -> None:
    with pytest.raises(KubeError) as caught:
        await KubeStop(stranger, namespace=plain_namespace).read()
    assert caught.value.denied
