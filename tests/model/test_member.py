"""Requests in nodes, and secrets that never show."""

import pytest

from multicloud.model.member import ClusterCredential, Resources, nodes_needed

NODE = Resources(cpu_m=4000, memory=1000, pods=10)


@pytest.mark.parametrize(
    ("requested", "node", "needed"),
    [
        pytest.param(Resources(), NODE, 0, id="nothing"),
        pytest.param(Resources(cpu_m=1, memory=1, pods=1), NODE, 1, id="a little is a node"),
        pytest.param(Resources(cpu_m=4000, memory=1000, pods=10), NODE, 1, id="exactly one"),
        pytest.param(Resources(cpu_m=4001, pods=2), NODE, 2, id="cpu binds"),
        pytest.param(Resources(cpu_m=10, memory=2001, pods=2), NODE, 3, id="memory binds"),
        pytest.param(Resources(pods=31), NODE, 4, id="pods bind"),
        pytest.param(Resources(cpu_m=9000, memory=1500, pods=5), Resources(memory=1000), 2, id="what no node offers"),
        pytest.param(Resources(cpu_m=9000), Resources(), 0, id="no node to judge by"),
    ],
)
def test_the_fewest_nodes_that_hold_the_requests(requested: Resources, node: Resources, needed: int) -> None:
    assert nodes_needed(requested, node) == needed


def test_a_credential_never_shows_its_secrets() -> None:
    shown = repr(ClusterCredential(url="https://c", ca_pem="", token="t0ken", certificate_pem="cert", key_pem="k3y"))
    assert not any(secret in shown for secret in ("t0ken", "cert'", "k3y"))
