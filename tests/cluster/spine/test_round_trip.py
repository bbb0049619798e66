"""10 → 20 → 10 → 20 on each cloud: each wish is a resize of its own, and no token of an earlier one is used again."""

from support.samples import CLOUDS, RESIZE, member, pool
from support.stage import Resize, Stage


def test_every_wish_is_a_resize_of_its_own(stage: Stage) -> None:
    stage.api.create_all([pool(cloud, member(cloud), replicas=10) for cloud in CLOUDS])
    stage.operator().start()
    for wish in (10, 20, 10, 20):
        for cloud in CLOUDS:
            stage.api.scale(cloud, wish)
        for cloud in CLOUDS:
            stage.until_nodes(cloud, wish)
    for cloud in CLOUDS:
        assert stage.resizes(cloud)[1:] == [Resize(10, 20), Resize(20, 10), Resize(10, 20)], stage.tell()
    tokens = [call["token"] for call in stage.cloud_calls(RESIZE["aws"]) if call["effective"]]
    assert len(tokens) == len(set(tokens)) == 4
    assert all(tokens)
