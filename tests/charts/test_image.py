"""The recipe of the image: what no build is needed to know."""

import re
import tomllib

from support.renderings import CHART, TREE, charted, of_kind

_RECIPE = (TREE / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def test_every_stage_starts_from_the_one_base_that_can_be_chosen() -> None:
    stages = re.findall(r"^FROM (\S+)", _RECIPE, flags=re.MULTILINE)
    assert stages == ["${BASE_IMAGE}", "${BASE_IMAGE}"]
    assert not re.search(r"https?://", _RECIPE)


def test_it_runs_as_the_user_that_the_deployment_names() -> None:
    user = re.findall(r"^USER (\d+):(\d+)", _RECIPE, flags=re.MULTILINE)
    security = of_kind(charted(), "Deployment")[0]["spec"]["template"]["spec"]["securityContext"]
    assert user == [(str(security["runAsUser"]), str(security["runAsGroup"]))]


def test_what_it_copies_is_in_the_build_context_and_in_the_tree() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", _RECIPE, flags=re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    ignored = (TREE / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert names == {line[1:] for line in ignored.splitlines() if line.startswith("!")}
    assert all((TREE / name).exists() for name in names)


def test_it_starts_the_program_of_the_package() -> None:
    project = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert 'ENTRYPOINT ["multicloud"]' in _RECIPE
    assert "multicloud" in project["scripts"]


def test_one_version_everywhere() -> None:
    project = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    chart = (CHART / "Chart.yaml").read_text(encoding="utf-8")
    base = (TREE / "deploy" / "install.yaml").read_text(encoding="utf-8")
    version = re.escape(project["version"])
    assert re.search(rf"^appVersion: {version}$", chart, flags=re.MULTILINE)
    assert re.search(rf"image: multicloud-operator:{version}$", base, flags=re.MULTILINE)
    assert set(re.findall(r"app.kubernetes.io/version: (\S+)", base)) == {project["version"]}
