"""Every trouble at every call of a resize on EKS: never a second one, never a wrong one, and all is well in the end."""

from collections.abc import Awaitable, Callable

import pytest

from multicloud_lab.eks.switches import Switches
from support.crashes import Variant, assert_every_switch_is_said

VARIANTS = [
    Variant(cloud="aws"),
    Variant(cloud="aws", switches={"scalingLagS": 0}),
    Variant(cloud="aws", switches={"scalingLagS": 300}),
    Variant(cloud="aws", switches={"updateWaitsForNodes": True}),
    Variant(cloud="aws", switches={"reusedTokenRefused": False}),
    Variant(cloud="aws", scarce="machines"),
    Variant(cloud="aws", scarce="machines", switches={"degradedAcceptsUpdate": True}),
    Variant(cloud="aws", scarce="machines", switches={"degradedSticky": True, "degradedAcceptsUpdate": True}),
    Variant(cloud="aws", scarce="quota", switches={"quotaIssue": "AsgInstanceLaunchFailures"}),
]

APART = {
    "subnetAddresses": "one more lack of room, told like a lack of quota",
    "quotaWords": "words of a health issue",
    "throttleCode": "how a refusal is spelled",
    "throttleStatus": "how a refusal is spelled",
    "createAsksEc2": "we create nothing",
    "maxNodegroups": "we create nothing",
    "maxNodes": "far above the sizes here",
    "maxClusters": "we create nothing",
    "roleExternalId": "logging in",
    "roleMaxSessionS": "logging in",
    "roleSessionS": "logging in",
}
"""Switches that have nothing to do with a resize."""


def test_every_switch_of_the_lab_is_played_or_has_nothing_to_do_with_it() -> None:
    assert_every_switch_is_said(Switches, VARIANTS, APART)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
async def test_a_trouble_changes_when_but_not_what(
    play: Callable[[Variant], Awaitable[None]], variant: Variant
) -> None:
    await play(variant)
