"""Every trouble at every call of a resize on GKE: never a second one, never a wrong one, and all is well in the end."""

from collections.abc import Awaitable, Callable

import pytest

from multicloud_lab.gke.switches import Switches
from support.crashes import Variant, assert_every_switch_is_said

VARIANTS = [
    Variant(cloud="gcp"),
    Variant(cloud="gcp", switches={"operationRetentionS": 1}),
    Variant(cloud="gcp", switches={"lockNamesReason": False}),
    Variant(cloud="gcp", scarce="machines"),
    Variant(cloud="gcp", scarce="quota"),
    Variant(cloud="gcp", scarce="quota", switches={"quotaRefusedAtOnce": False}),
]

APART = {
    "zonePaths": "we ask at the paths that are documented",
    "autoscalerSetsInitialCount": "we resize no pool with an autoscaler",
    "resizeOfAutoscaled": "we resize no pool with an autoscaler",
    "maxNodes": "far above the sizes here",
    "maxNodesCode": "far above the sizes here",
    "cancelsOnlyUpgrades": "we cancel nothing",
    "cancelShare": "we cancel nothing",
    "cancelPermission": "we cancel nothing",
    "updateNeedsVersion": "we send no UpdateNodePool",
    "surgeInGroups": "nobody upgrades here; test_failover has that story",
}
"""Switches that have nothing to do with a resize."""


def test_every_switch_of_the_lab_is_played_or_has_nothing_to_do_with_it() -> None:
    assert_every_switch_is_said(Switches, VARIANTS, APART)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
async def test_a_trouble_changes_when_but_not_what(
    play: Callable[[Variant], Awaitable[None]], variant: Variant
) -> None:
    await play(variant)
