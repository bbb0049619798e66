"""Which source answers which question, and what is said where none does."""

import pytest

from multicloud.model.error import NoSample
from multicloud.model.metric import Asker
from multicloud.model.policy import PendingPods
from multicloud.model.reason import Code
from multicloud.model.ref import Kind, ObjectKey
from multicloud.sources.external import External
from multicloud.sources.nodes import Nodes
from multicloud.sources.prometheus import Prometheus
from multicloud.sources.registry import Sources
from support.clock import VirtualClock


async def test_a_question_that_no_source_answers_gives_a_reason() -> None:
    clock = VirtualClock()
    sources = Sources(
        prometheus=Prometheus({}, clock), nodes=Nodes(lambda _: (), clock), external=External(None, clock)
    )
    asker = Asker(namespace="shop", pool=ObjectKey(kind=Kind.POOL, namespace="shop", name="web"))
    with pytest.raises(NoSample) as refused:
        await sources.read(asker, PendingPods())
    assert refused.value.reason.code is Code.NO_READING
