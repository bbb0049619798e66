"""Properties of the tree that no tool checks by itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("azure", "boto3", "botocore", "google", "grpc", "highspy", "kopf", "kubernetes", "numpy", "prometheus_client")


def test_the_source_root_is_no_package_that_would_shadow_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


@pytest.mark.parametrize(
    ("module", "light"),
    [
        ("multicloud", (*HEAVY, "aiohttp", "asyncio", "click", "pydantic", "rich", "structlog")),
        ("multicloud.model.port", (*HEAVY, "asyncio", "pydantic")),
        ("multicloud.kinds.parse", HEAVY),
        ("multicloud.decide", HEAVY),
        ("multicloud.clouds.registry", ("azure", "boto3", "botocore", "google", "grpc")),
        ("multicloud.__main__", HEAVY),
        ("multicloud.cli", HEAVY),
    ],
)
def test_importing_it_loads_nothing_heavy(module: str, light: tuple[str, ...]) -> None:
    program = (
        f"import {module}, json, sys; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert not set(light) & set(json.loads(said))
