"""The generated definitions, applied to the real API server once for the run."""

from pathlib import Path

import pytest

from multicloud_lab.controlplane import ControlPlane

CRDS = Path(__file__).parents[3] / "crds"


@pytest.fixture(scope="session")
def api(control_plane: ControlPlane) -> ControlPlane:
    # Server-side, as another test of the same run may have installed them before.
    control_plane.kubectl(
        "apply", "--server-side", "--force-conflicts", f"--filename={CRDS}", "--field-manager=tests"
    ).check_returncode()
    control_plane.kubectl(
        "wait", "--for=condition=Established", "--timeout=30s", f"--filename={CRDS}"
    ).check_returncode()
    return control_plane
