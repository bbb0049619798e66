"""Another seed is in force whole: switches and permissions too, not only clusters."""

from typing import Any

import pytest

from multicloud_lab.core.seed import AwsSeed, AzurePrincipal, AzureSeed, GcpSeed, Seed
from multicloud_lab.serve import make_lab


@pytest.mark.parametrize(
    ("seed", "cloud", "switch"),
    [
        (Seed(aws=AwsSeed(switches={"degradedSticky": True})), "aws", "degraded_sticky"),
        (Seed(azure=AzureSeed(switches={"autoscalerRange": False})), "azure", "autoscaler_range"),
        (Seed(gcp=GcpSeed(switches={"zonePaths": True})), "gcp", "zone_paths"),
    ],
    ids=["EKS", "AKS", "GKE"],
)
def test_switches_follow_the_seed(seed: Seed, cloud: str, switch: str) -> None:
    lab = make_lab()

    def value() -> object:
        engine: Any = lab.engines[cloud]  # what an engine has beside the protocol
        return getattr(engine.store.switches if cloud == "aws" else engine.switches, switch)

    before = value()
    lab.reseed(seed)
    assert value() != before
    lab.reseed(Seed())
    assert value() == before


def test_what_an_azure_application_may_do_is_told_by_its_client_id() -> None:
    reader = AzurePrincipal(client_id="some-id", client_secret="s", allowed=("*/read",))
    lab = make_lab(Seed(azure=AzureSeed(principals=(reader,))))
    may = lab.permissions.allows
    assert may("some-id", "Microsoft.ContainerService/managedClusters/agentPools/read")
    assert not may("some-id", "Microsoft.ContainerService/managedClusters/agentPools/write")
