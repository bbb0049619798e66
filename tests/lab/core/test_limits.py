"""What machines, accounts, principals and callers may have: capacity, quotas, permissions, pace."""

from random import Random

import pytest

from multicloud_lab.core.capacity import Limit, vcpus
from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.faultkinds import SlowNodes, Stockout
from multicloud_lab.core.faults import Fault
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.nodes import RETRY_S, NodeSet
from multicloud_lab.core.pace import RATES
from multicloud_lab.core.seed import AwsSeed, CallRate, GcpPrincipal, GcpSeed, Quota, Seed, SeedError, Stocked

BOOT_S, DRAIN_S = 100.0, 30.0


@pytest.fixture
def lab() -> Lab:
    return Lab(Seed(), VirtualClock())


def group(lab: Lab, start: int = 0, zones: str = "abc") -> NodeSet:
    supply = lab.supply("aws", "1", "us-east-1", "shop-prod", "web", "m5.xlarge")
    nodes = NodeSet(lab.clock, "node-", list(zones), lambda _: BOOT_S, DRAIN_S, Random(1), supply=supply)  # noqa: S311  (repeatable on purpose)
    nodes.fill(start)
    return nodes


def test_a_group_gets_the_machines_there_are_and_keeps_asking(lab: Lab) -> None:
    nodes = group(lab, 2)
    lab.capacity.set_free("aws", None, "m5.xlarge", 1)
    nodes.set_target(5)
    assert (nodes.alive, nodes.not_launched, nodes.refusal) == (3, 2, "stockout")
    assert not nodes.settled
    lab.capacity.set_free("aws", None, "m5.xlarge", None)
    lab.clock.advance(RETRY_S)
    assert (nodes.alive, nodes.not_launched, nodes.refusal) == (5, 0, None)
    lab.clock.advance(BOOT_S)
    assert nodes.settled


def test_a_group_that_gives_up_asks_again_only_for_a_new_target(lab: Lab) -> None:
    nodes = group(lab)
    lab.capacity.set_free("aws", None, None, 0)
    nodes.set_target(1)
    nodes.give_up()
    lab.capacity.set_free("aws", None, None, None)
    lab.clock.advance(10 * RETRY_S)
    assert nodes.alive == 0
    nodes.set_target(1)
    assert nodes.alive == 1


def test_a_zone_without_machines_leaves_the_others(lab: Lab) -> None:
    nodes = group(lab)
    lab.capacity.set_free("aws", "b", None, 0)
    nodes.set_target(4)
    assert sorted(node.zone for node in nodes.nodes) == ["a", "a", "c", "c"]


def test_machines_that_go_come_back_to_their_stock(lab: Lab) -> None:
    nodes = group(lab)
    lab.capacity.set_free("aws", "a", "m5.xlarge", 2)
    lab.capacity.set_free("aws", "b", None, 0)
    lab.capacity.set_free("aws", "c", None, 0)
    nodes.set_target(3)
    assert nodes.alive == 2
    nodes.set_target(1)
    assert [stock.free for stock in lab.capacity.stocks()] == [1, 0, 0]


def test_a_quota_counts_what_there_is_and_refuses_more(lab: Lab) -> None:
    nodes = group(lab, 2)
    lab.quotas.set_limit("aws", "1", "us-east-1", Limit(vcpus=13))
    assert lab.quotas.used("aws", "1", "us-east-1") == Limit(nodes=2, vcpus=8)
    assert lab.quotas.short_vcpus("aws", "1", "us-east-1", "m5.xlarge", 3) == 7
    nodes.set_target(5)
    assert (nodes.alive, nodes.refusal) == (3, "quota")
    nodes.close()
    assert lab.quotas.used("aws", "1", "us-east-1") == Limit(nodes=0, vcpus=0)
    lab.quotas.set_limit("aws", "1", "us-east-1", Limit(nodes=1))
    nodes.set_target(5)
    assert nodes.alive == 1


def test_a_lost_machine_is_replaced(lab: Lab) -> None:
    nodes = group(lab, 3)
    victim = nodes.nodes[0].name
    nodes.lose(victim)
    assert victim not in {node.name for node in nodes.nodes}
    assert (nodes.existing, nodes.ready, nodes.target) == (3, 2, 3)
    nodes.lose(nodes.nodes[0].name, notice_s=120)
    assert (nodes.existing, nodes.ready, nodes.target) == (4, 1, 3)
    lab.clock.advance(120)
    assert nodes.settled


def test_a_surge_comes_on_top_and_goes(lab: Lab) -> None:
    nodes = group(lab, 3)
    nodes.set_surge(2)
    lab.clock.advance(BOOT_S)
    assert (nodes.ready, nodes.target, nodes.settled) == (5, 3, True)
    nodes.set_surge(0)
    lab.clock.advance(DRAIN_S)
    assert (nodes.ready, nodes.settled) == (3, True)


def test_faults_reach_the_machines(lab: Lab) -> None:
    nodes = group(lab)
    lab.faults.place(Fault(action=Stockout(zone="a"), window=(0, 50)))
    lab.faults.place(Fault(action=SlowNodes(factor=2)))
    nodes.set_target(1)
    assert nodes.nodes[0].zone == "b"
    lab.clock.advance(BOOT_S)
    assert nodes.ready == 0
    lab.clock.advance(BOOT_S)
    assert nodes.ready == 1


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        ("m5.large", 2),
        ("m5.xlarge", 4),
        ("c7i.12xlarge", 48),
        ("Standard_D4s_v5", 4),
        ("Standard_NC24ads_A100_v4", 24),
        ("e2-standard-4", 4),
        ("a2-highgpu-1g", 2),
    ],
)
def test_vcpus_are_read_off_the_name(instance_type: str, expected: int) -> None:
    assert vcpus(instance_type) == expected


def test_everybody_may_do_everything_until_it_is_taken(lab: Lab) -> None:
    may = lab.permissions.allows
    assert may("lab", "eks:UpdateNodegroupConfig")
    lab.permissions.deny("lab", "eks:update*", "*nodegroup/shop-prod/*")
    assert not may("lab", "eks:UpdateNodegroupConfig", "arn:aws:eks:us-east-1:1:nodegroup/shop-prod/web")
    assert may("lab", "eks:UpdateNodegroupConfig", "arn:aws:eks:us-east-1:1:nodegroup/shop-batch/web")
    assert may("lab", "eks:DescribeNodegroup", "arn:aws:eks:us-east-1:1:nodegroup/shop-prod/web")
    lab.permissions.allow_only("gcp", "lab", ["container.clusters.get"])
    assert not may("lab", "container.clusters.update")
    assert may("lab", "Microsoft.ContainerService/managedClusters/agentPools/write")
    lab.permissions.restore("lab")
    assert may("lab", "container.clusters.update")
    assert may("lab", "eks:UpdateNodegroupConfig", "arn:aws:eks:us-east-1:1:nodegroup/shop-prod/web")


def test_a_seed_limits_everything() -> None:
    reader = GcpPrincipal(email="reader@x.iam.gserviceaccount.com", allowed=("container.*.get", "container.*.list"))
    seed = Seed(
        aws=AwsSeed(
            quotas=(Quota(account="1", region="us-east-1", nodes=2),),
            capacity=(Stocked(zone="a", free=1),),
            pace={"write": CallRate(burst=1, per_s=0.1)},
        ),
        gcp=GcpSeed(principals=(reader,)),
    )
    lab = Lab(seed, VirtualClock())
    for _ in range(2):
        assert not lab.permissions.allows(reader.email, "container.clusters.update")
        assert [lab.pace.take("aws", "1", "write") for _ in range(2)] == [None, 10]
        group(lab, 2)
        assert lab.quotas.short_vcpus("aws", "1", "us-east-1", "m5.xlarge", 1) == 4
        assert [stock.free for stock in lab.capacity.stocks()] == [1]
        lab.reset()


def test_an_unknown_kind_of_call_is_told() -> None:
    seed = Seed(aws=AwsSeed(pace={"put": CallRate(burst=1, per_s=1)}))
    with pytest.raises(SeedError, match=r"aws\.pace\.put: is no kind of call: there are read, write"):
        Lab(seed, VirtualClock())


def test_buckets_are_of_one_kind_and_key_and_refill(lab: Lab) -> None:
    burst = RATES["azure", "putPool"].burst
    assert [lab.pace.take("azure", "web", "putPool") for _ in range(burst)] == [None] * burst
    assert lab.pace.take("azure", "web", "putPool") == pytest.approx(60)
    assert lab.pace.take("azure", "batch", "putPool") is None
    assert lab.pace.left("azure", "batch", "putPool") == burst - 1
    lab.clock.advance(60)
    assert lab.pace.take("azure", "web", "putPool") is None


def test_eks_has_the_promised_bursts() -> None:
    assert RATES["aws", "read"].burst >= 100
    assert RATES["aws", "write"].burst >= 20
