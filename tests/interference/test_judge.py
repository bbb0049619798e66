"""What the judge lets a step take, by a table: a judge who is wrong lets through or finds guilty."""

from typing import Any

import pytest

from support.interference.crowd import Place
from support.interference.judge import Version, most_per_step

AZURE = Place(cloud="azure", cluster="c1", node_pool="pool11")
THREE_ZONES = Place(cloud="gcp", cluster="c1", node_pool="pool1")


@pytest.mark.parametrize(
    ("most", "max_replicas", "disruption", "place"),
    [
        pytest.param(1, 4, {"maxNodesPerStep": 5, "maxUnavailablePercent": 50}, AZURE, id="a-share-of-maxReplicas"),
        pytest.param(2, 5, {"maxNodesPerStep": 5, "maxUnavailablePercent": 50}, AZURE, id="a-share-is-rounded-up"),
        pytest.param(2, 4, {"maxNodesPerStep": 5, "maxUnavailablePercent": 99}, AZURE, id="nearly-all"),
        pytest.param(5, 4, {"maxNodesPerStep": 5, "maxUnavailablePercent": 100}, AZURE, id="100-is-no-limit"),
        pytest.param(5, 90, {"maxNodesPerStep": 5, "maxUnavailablePercent": 50}, AZURE, id="nodes-of-a-step"),
        pytest.param(1, 4, {"maxNodesPerStep": 5, "maxUnavailablePercent": 1}, AZURE, id="one-in-any-case"),
        pytest.param(3, 4, {"maxNodesPerStep": 1}, THREE_ZONES, id="one-of-each-zone-in-any-case"),
        pytest.param(2, 40, {}, AZURE, id="ten-percent-unless-said"),
    ],
)
def test_a_step_takes_no_more(most: int, max_replicas: int, disruption: dict[str, Any], place: Place) -> None:
    spec = {
        "maxReplicas": max_replicas,
        "members": [{"unitsPerNode": 2}, {"unitsPerNode": 3}],
        "disruption": disruption,
    }
    assert most_per_step(Version(spec=spec, annotations={}), place) == most
