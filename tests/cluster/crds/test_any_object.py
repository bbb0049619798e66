"""The API server and our own parser judge any object alike: what one lets through the other does, with the same path."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from multicloud.kinds.parse import InvalidSpec, account_spec, pool_spec
from multicloud_lab.controlplane import ControlPlane
from support.anyobjects import Json, Kind, broken, kind_named, object_of, specs
from support.kubeapi import KubeApi

pytestmark = pytest.mark.slow

T = TypeVar("T")

KINDS: dict[str, Callable[[Json], object]] = {"MultiCloudPool": pool_spec, "CloudAccount": account_spec}
SAMPLED, ALL = 100, 1000


@pytest.fixture(scope="module")
def api(our_kinds: ControlPlane) -> Iterator[KubeApi]:
    connected = KubeApi(our_kinds, "default")
    yield connected
    connected.close()


def run(strategy: SearchStrategy[T], judge: Callable[[T], None], *, full: bool) -> None:
    """Let hypothesis try a judge."""
    count = ALL if full else SAMPLED
    checks = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
    tries = (Phase.generate, Phase.shrink) if full else (Phase.generate,)
    settings(max_examples=count, suppress_health_check=checks, phases=tries)(given(strategy)(judge))()


def ours(kind: Kind, body: Json) -> str | None:
    """Why our parser refuses an object, None when it does not."""
    try:
        KINDS[kind.name](body)
    except InvalidSpec as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", KINDS)
def test_both_take_the_same_objects(api: KubeApi, name: str, *, full: bool) -> None:
    kind, verdicts = kind_named(name), Counter[bool]()

    def judge(spec: Json) -> None:
        body = object_of(kind, "any", spec)
        theirs, own = api.refusal(body), ours(kind, body)
        verdicts[own is None] += 1
        assert (theirs is None) is (own is None), f"API server: {theirs}\nwe: {own}\n{spec}"
        if theirs is not None and own is not None:
            paths = [problem.split(": ")[0] for problem in own.split("; ")]
            assert any(path in theirs for path in paths), f"API server: {theirs}\nwe: {own}\n{spec}"

    run(specs(kind), judge, full=full)
    assert verdicts[True] > 0.2 * verdicts.total()


@pytest.mark.parametrize("name", KINDS)
def test_both_refuse_what_the_schema_forbids(api: KubeApi, name: str, *, full: bool) -> None:
    kind = kind_named(name)

    def judge(case: tuple[Json, str]) -> None:
        spec, path = case
        body = object_of(kind, "any", spec)
        theirs, own = api.refusal(body), ours(kind, body)
        assert theirs is not None, f"{path}: the API server takes {spec}"
        assert path in theirs, f"{path}: the API server says {theirs}"
        assert own is not None, f"{path}: we take {spec}"
        block, _, field = path.rpartition(".")
        named = path in own or (f"{block}: " in own and field in own)
        assert named or "more" in own, f"{path}: we say {own}"

    run(broken(kind), judge, full=full)
