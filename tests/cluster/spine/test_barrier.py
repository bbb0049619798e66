"""Nothing is written before everything is known, and a node pool that two objects name has one writer."""

from collections.abc import Callable
from typing import Any

from support.api_gate import Seen, lists_of
from support.samples import CLOUDS, FOUND, member, pool
from support.stage import Resize, Stage
from support.waiting import stays

OBJECTS = 200
PAGE = 50
QUIET_S = 2.0


def test_no_write_before_the_last_of_200_objects_is_listed(stage: Stage) -> None:
    # The three that would write at once come first in the list; the others have no account to go with.
    stage.api.create_all([pool(f"a-{cloud}", member(cloud), replicas=9) for cloud in CLOUDS])
    idle = [member("aws", accountRef={"name": "nobody"})]
    stage.api.create_all([pool(f"b-{number:03}", *idle, replicas=9) for number in range(OBJECTS - len(CLOUDS))])
    stage.gate.page(PAGE)
    listing = lists_of("multicloudpools")
    stage.gate.slow(listing, 0.3)
    last = stage.gate.hold(_nth(listing, OBJECTS // PAGE), when="after")
    operator = stage.operator()
    operator.start()
    last.wait(60, stage.tell)
    operator.until_leading()
    stays(lambda: not stage.lab.journal(), "no call to any cloud", for_s=QUIET_S, tell=stage.tell)
    last.release()
    for cloud in CLOUDS:
        stage.until_nodes(f"a-{cloud}", 9, member=cloud)
        assert stage.resizes(cloud) == [Resize(FOUND, 9)]
    for number in range(OBJECTS - len(CLOUDS)):
        stage.until_condition(f"b-{number:03}", "MembersHealthy", "False", "AccountNotFound")


def test_two_pools_that_name_one_node_pool_never_both_write(stage: Stage) -> None:
    wish = {"first": 7, "second": 8}
    started_with, in_order, against_order = CLOUDS
    names = {
        started_with: ("x1-a", "x1-b"),
        in_order: ("x2-a", "x2-b"),
        against_order: ("x3-b", "x3-a"),  # the one that comes first is listed last
    }

    def create(cloud: str, which: int) -> None:
        wished = (wish["first"], wish["second"])[which]
        stage.api.create(pool(names[cloud][which], member(cloud), replicas=wished))

    create(started_with, 0)
    create(started_with, 1)
    operator = stage.operator("one")
    operator.start()
    for cloud in (in_order, against_order):
        create(cloud, 0)
        stage.until_found(names[cloud][0], cloud)
        create(cloud, 1)
    owners = {cloud: _owner_and_loser(stage, cloud, names[cloud]) for cloud in CLOUDS}
    assert owners[in_order] == names[in_order]
    assert owners[against_order] == names[against_order]
    sizes = {name: size for cloud in CLOUDS for name, size in zip(names[cloud], wish.values(), strict=True)}
    for cloud, (owner, _) in owners.items():
        stage.until_nodes(owner, sizes[owner], member=cloud)

    operator.kill()
    for owner, loser in owners.values():
        stage.api.scale(owner, 11)
        stage.api.scale(loser, 12)
    stage.operator("two").start()
    for cloud, (owner, loser) in owners.items():
        stage.until_nodes(owner, 11, member=cloud)
        assert stage.condition(loser, "MembersHealthy") == ("False", "NodePoolClaimed")
        assert stage.resizes(cloud) == [Resize(FOUND, sizes[owner]), Resize(sizes[owner], 11)], stage.tell()

    for cloud, (owner, loser) in owners.items():
        stage.api.delete_pool(owner)
        stage.until_nodes(loser, 12, member=cloud)
        assert stage.resizes(cloud)[2:] == [Resize(11, 12)], stage.tell()


def _owner_and_loser(stage: Stage, cloud: str, names: tuple[str, str]) -> tuple[str, str]:
    """Who of both owns the node pool, once one of them was told that it does not."""

    def losers() -> list[str]:
        return [name for name in names if stage.condition(name, "MembersHealthy") == ("False", "NodePoolClaimed")]

    stage.until(losers, f"one of {names} loses")
    (loser,) = losers()
    (owner,) = set(names) - {loser}
    stage.until_found(owner, cloud)
    return owner, loser


def _nth(matches: Callable[[Seen], bool], number: int) -> Callable[[Seen], bool]:
    """The so-manieth request that matches."""
    found: list[Any] = []

    def matches_nth(seen: Seen) -> bool:
        if matches(seen):
            found.append(seen)
        return len(found) == number

    return matches_nth
