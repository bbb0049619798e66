"""What several node pools' probes come to for an account."""

import itertools

import pytest

from multicloud.cli.check.findings import joined
from multicloud.model.permission import Need, Permission

NEED = Need(name="eks:ListNodegroups", purpose="find them")


@pytest.mark.parametrize(
    ("told", "granted"),
    [((True, True), True), ((True, None), None), ((None, False), False), ((True, None, False), False)],
    ids=["granted everywhere", "unknown somewhere", "missing and unknown", "all three"],
)
def test_missing_counts_more_than_unknown_and_that_more_than_granted(
    told: tuple[bool | None, ...], granted: bool | None
) -> None:
    for order in itertools.permutations(told):
        probes = {f"pool-{n}": [Permission(need=NEED, granted=each, why=str(each))] for n, each in enumerate(order)}
        (found,) = joined(probes)
        assert found.permission.granted is granted
        assert found.permission.why == str(granted)
        assert found.where == tuple(f"pool-{n}" for n, each in enumerate(order) if each is not True)
