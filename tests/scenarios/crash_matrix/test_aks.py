"""Every trouble at every call of a resize on AKS: never a second one, never a wrong one, and all is well in the end."""

from collections.abc import Awaitable, Callable

import pytest

from multicloud_lab.aks.switches import Switches
from support.crashes import Variant, assert_every_switch_is_said

VARIANTS = [
    Variant(cloud="azure"),
    Variant(cloud="azure", switches={"getShows": "actual"}),
    Variant(cloud="azure", switches={"omittedMaps": "keep"}),
    Variant(cloud="azure", switches={"operationRetentionS": 1}),
    Variant(cloud="azure", switches={"pageSize": 1}),
    Variant(cloud="azure", scarce="machines"),
    Variant(cloud="azure", scarce="machines", switches={"failedCount": "machines"}),
    Variant(cloud="azure", scarce="machines", switches={"stockoutCode": "SkuNotAvailable"}),
    Variant(cloud="azure", scarce="quota"),
    Variant(cloud="azure", scarce="quota", switches={"quotaRefusedAtOnce": False}),
]

APART = {
    "autoscalerRange": "we resize no pool with an autoscaler",
    "minCountZero": "we resize no pool with an autoscaler",
    "immutableCode": "we change nothing but the size",
    "unknownClusterCode": "the cluster is there",
    "maxPools": "we create nothing",
    "poolLimitCode": "we create nothing",
    "deleteMachinesAction": "we name no machines",
    "cordonedGoFirst": "which machines go is not how many",
    "throttle": "without it less is refused",
    "armThrottleCode": "how a refusal is spelled",
}
"""Switches that have nothing to do with a resize."""


def test_every_switch_of_the_lab_is_played_or_has_nothing_to_do_with_it() -> None:
    assert_every_switch_is_said(Switches, VARIANTS, APART)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
async def test_a_trouble_changes_when_but_not_what(
    play: Callable[[Variant], Awaitable[None]], variant: Variant
) -> None:
    await play(variant)
