"""What every test may ask for: the real API server (with our kinds), the seed, and how much of a sampled table to run.

`make test` samples with one seed, so that it says the same on every machine; `make test-long` runs everything with a
new seed each time, printed at the end: `make test-long SEED=…` plays it again.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from itertools import chain
from pathlib import Path
from random import SystemRandom
from typing import cast
from uuid import uuid4

import pytest
from hypothesis import settings

from multicloud.kube.client import KubeClient
from multicloud_lab.controlplane import ControlPlane

pytest.register_assert_rewrite("support")  # so that what fails there shows its values as well
pytest_plugins = ["support.controlplane"]

CRDS = Path(__file__).parents[1] / "crds"
SAMPLED_SEED = 20261123
PROVED = "proved"
"""The name under which a report carries what its test counted."""

settings.register_profile("sampled", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("full", deadline=None, max_examples=1000, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the full counts of what is otherwise sampled")
    parser.addoption("--seed", type=int, help="seed of everything random in the tests")


@pytest.hookimpl(tryfirst=True)  # before hypothesis reads its seed
def pytest_configure(config: pytest.Config) -> None:
    full: bool = config.getoption("--full")
    if config.getoption("--seed") is None:
        config.option.seed = SystemRandom().randrange(2**32) if full else SAMPLED_SEED
    settings.load_profile("full" if full else "sampled")
    if full and config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = str(config.getoption("--seed"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first: one that came last would keep one process busy while the others have nothing left to do."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    proved: Counter[str] = Counter()
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport) and report.when == "call":
            for key, value in report.user_properties:
                if key == PROVED:
                    name, count = cast("tuple[str, int]", value)
                    proved[name] += count
    for name, count in sorted(proved.items()):
        terminalreporter.write_line(f"{name}: {count}")
    terminalreporter.write_line(f"seed {config.getoption('--seed')}")


@pytest.fixture
def proved(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Count what a proof went through: `proved("crash matrix, cells", 40)`. The last lines of the run tell the sums."""
    return lambda name, count: record_property(PROVED, (name, count))


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """Where chance in a test starts."""
    value: int = pytestconfig.getoption("--seed")
    return value


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether to run the full count of what is otherwise sampled."""
    value: bool = pytestconfig.getoption("--full")
    return value


@pytest.fixture(scope="session")
def our_kinds(control_plane: ControlPlane) -> ControlPlane:
    """The API server with the definitions of `crds/` in force."""
    files = f"--filename={CRDS}"
    control_plane.kubectl(
        "apply", "--server-side", "--force-conflicts", "--field-manager=tests", files
    ).check_returncode()
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", files).check_returncode()
    return control_plane


@pytest.fixture
async def kube(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    """The administrator's connection to the API server."""
    async with await KubeClient.connect(control_plane.kubeconfig, None) as connected:
        yield connected


@pytest.fixture
def plain_namespace(control_plane: ControlPlane) -> str:
    """A fresh namespace in which the test makes no objects of our kinds: nothing has to be cleaned up."""
    name = f"plain-{uuid4().hex[:10]}"
    control_plane.kubectl("create", "namespace", name).check_returncode()
    return name
