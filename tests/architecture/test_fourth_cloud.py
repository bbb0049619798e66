"""A fourth cloud is a directory for the operator, one for the lab, and small edits to files that are named here.

The tree is copied, `fourth_cloud/tree` laid over it, EDITS applied; then mypy, the import contracts and the conformance
suite run on the copy. An anchor that is gone fails loudly: the edit has to be thought about, and the list with it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ADDED = Path(__file__).parent / "fourth_cloud" / "tree"
COPIED = ("operator", "tests", "pyproject.toml", ".importlinter")


class Edit(NamedTuple):
    """One change: the text that stands exactly once in the file, and what stands there afterwards."""

    anchor: str
    becomes: str


EDITS: Mapping[str, Sequence[Edit]] = {
    "operator/multicloud/model/ref.py": [
        Edit('    GCP = "gcp"\n', '    GCP = "gcp"\n    OASIS = "oasis"\n'),
        Edit(
            '                return ("cloud.google.com/gke-nodepool",)\n',
            '                return ("cloud.google.com/gke-nodepool",)\n            case Cloud.OASIS:\n                return ("oasis.example/pool",)\n',
        ),
        Edit(
            'GROUP = "multicloud.dev"\n',
            '''@dataclass(frozen=True, slots=True, kw_only=True)
class OasisAccount:
    """An Oasis account, told by its token alone."""

    @property
    def cloud(self) -> Cloud:
        """As Provider says."""
        return Cloud.OASIS

    @property
    def owner(self) -> str:
        """As Provider says."""
        return ""

    @property
    def target(self) -> str | None:
        """Its token is nobody else's."""
        return None


GROUP = "multicloud.dev"
''',
        ),
    ],
    "operator/multicloud/kinds/cloudaccount.py": [
        Edit("    GCP = Cloud.GCP.value\n", "    GCP = Cloud.GCP.value\n    OASIS = Cloud.OASIS.value\n"),
        Edit("import Cloud\n", "import Cloud, OasisAccount\n"),
        Edit(
            "class SecretRef(Part):\n",
            'class OasisBlock(Part):\n    """An Oasis account, told by the credentials alone."""\n\n\nclass SecretRef(Part):\n',
        ),
        Edit(
            "    gcp: GcpBlock | None = Field(",
            '    oasis: OasisBlock | None = Field(default=None, description="Oasis; write `oasis: {}`.")\n'
            "    gcp: GcpBlock | None = Field(",
        ),
        Edit("(self.aws, self.azure, self.gcp)", "(self.aws, self.azure, self.gcp, self.oasis)"),
        Edit(
            "        if self.gcp is not None:\n",
            "        if self.oasis is not None:\n            return OasisAccount()\n        if self.gcp is not None:\n",
        ),
    ],
    "operator/multicloud/kinds/multicloudpool.py": [
        Edit(
            "class AccountRef(Part):\n",
            '''class OasisBlock(Part):
    """A node pool of an Oasis cluster."""

    cluster: ObjectName = Field(description="Name of the cluster.")
    pool: ObjectName = Field(description="Name of the node pool.")

    def ref(self) -> NodePoolRef:
        """The node pool."""
        return NodePoolRef(cluster=ClusterRef(cloud=Cloud.OASIS, name=self.cluster), name=self.pool)


class AccountRef(Part):
''',
        ),
        Edit("exactly one of eks, aks and gke must be set", "exactly one of eks, aks, gke and oasis must be set"),
        Edit(
            "has(self.eks), has(self.aks), has(self.gke)",
            "has(self.eks), has(self.aks), has(self.gke), has(self.oasis)",
        ),
        Edit(
            "    gke: GkeBlock | None = Field(",
            '    oasis: OasisBlock | None = Field(default=None, description="An Oasis node pool.")\n'
            "    gke: GkeBlock | None = Field(",
        ),
        Edit("in (self.eks, self.aks, self.gke)", "in (self.eks, self.aks, self.gke, self.oasis)"),
        Edit("self.eks or self.aks or self.gke\n", "self.eks or self.aks or self.gke or self.oasis\n"),
    ],
    "operator/multicloud/settings.py": [
        Edit(
            "class Clouds(_Part):\n",
            '''class OasisEndpoints(_Part):
    """API of Oasis; None means the public one."""

    api: Endpoint | None = Field(default=None, description="The API.")


class Clouds(_Part):
''',
        ),
        Edit(
            "    gcp: GcpEndpoints = GcpEndpoints()\n",
            "    gcp: GcpEndpoints = GcpEndpoints()\n    oasis: OasisEndpoints = OasisEndpoints()\n",
        ),
    ],
    "operator/multicloud/clouds/registry.py": [
        Edit(
            "from multicloud.model.account import AccountObject,",
            "from multicloud.model.ref import OasisAccount\nfrom multicloud.model.account import AccountObject,",
        ),
        Edit(
            "            return gke.POLICY\n",
            """            return gke.POLICY
        case Cloud.OASIS:
            from multicloud.clouds.oasis import policy as oasis

            return oasis.POLICY
""",
        ),
        Edit(
            "                case GcpAccount() as gcp:\n",
            """                case OasisAccount() as oasis:
                    from multicloud.clouds.oasis.door import open_door

                    return open_door(
                        oasis, secret, self._clouds.oasis, before_send=self._exit, call_timeout_s=timeout_s
                    )
                case GcpAccount() as gcp:
""",
        ),
    ],
}
"""The operator's files that architecture.md names. pyproject.toml would gain the SDK, which `requests` is already."""

REGISTRATIONS: Mapping[str, Sequence[Edit]] = {
    ".importlinter": [Edit("    aks | eks | gke\n", "    aks | eks | gke | oasis\n")],
    "operator/multicloud_lab/serve.py": [
        Edit("import aks, clusters, eks, gke\n", "import aks, clusters, eks, gke, oasis\n"),
        Edit("    gcp: gke.GkeEngine\n", "    gcp: gke.GkeEngine\n    oasis: oasis.OasisEngine\n"),
        Edit("gcp=gke.GkeEngine(lab))", "gcp=gke.GkeEngine(lab), oasis=oasis.OasisEngine(lab))"),
        Edit("gcp=engines.gcp)", "gcp=engines.gcp, oasis=engines.oasis)"),
        Edit(
            "        self._wires.append(google)\n",
            "        self._wires.append(google)\n        self._wires.append(await oasis.start(lab, engines.oasis, tls))\n",
        ),
    ],
    "tests/support/clouds.py": [
        Edit(
            "@dataclass(slots=True)\nclass MemorySecrets:\n",
            "from support.oasis import OASIS  # noqa: E402 - it is a Ground\n\n"
            "GROUNDS = (*GROUNDS, OASIS)\n\n\n@dataclass(slots=True)\nclass MemorySecrets:\n",
        ),
    ],
}
"""Where the lab, the suite and the import contracts list their clouds (docs/decisions/0024-a-fourth-cloud.md)."""

SUITE = "tests/clouds/conformance/test_every_cloud.py"
"""What every cloud's door must do. The other files put clouds through sickness, forgotten operations, permissions and member
clusters, which Oasis and its small emulator do not have: absent is data."""

STAGES = ("observe", "decide", "act", "report", "watch", "reconcile.py", "workqueue.py", "run", "kube", "cli")


def lay(tree: Path) -> None:
    """Copy the tree, add the directories, apply the edits."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    shutil.copytree(ADDED, tree, dirs_exist_ok=True)
    for file, edits in {**EDITS, **REGISTRATIONS}.items():
        text = (tree / file).read_text(encoding="utf-8")
        for edit in edits:
            assert text.count(edit.anchor) == 1, f"{file}: {edit.anchor!r} stands {text.count(edit.anchor)} times"
            text = text.replace(edit.anchor, edit.becomes)
        (tree / file).write_text(text, encoding="utf-8")


def run(tree: Path, tool: str, *arguments: str) -> str:
    """Run a tool of this environment on the copy, which comes before the installed one; returns what it said."""
    paths = os.pathsep.join(str(tree / name) for name in ("operator", "tests"))
    ended = subprocess.run(
        [Path(sys.executable).with_name(tool), *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree with a fourth cloud."""
    path = tmp_path_factory.mktemp("fourth")
    lay(path)
    return path


def test_no_stage_is_edited_and_nothing_is_added_but_two_directories() -> None:
    assert set(EDITS) <= {
        "operator/multicloud/model/ref.py",
        "operator/multicloud/kinds/cloudaccount.py",
        "operator/multicloud/kinds/multicloudpool.py",
        "operator/multicloud/settings.py",
        "operator/multicloud/clouds/registry.py",
        "pyproject.toml",
    }
    rooms = {f"operator/multicloud/{stage}" for stage in STAGES}
    assert not [file for file in (*EDITS, *REGISTRATIONS) if any(file.startswith(room) for room in rooms)]
    added = {path.relative_to(ADDED) for path in ADDED.rglob("*.py")}
    homes = {"operator/multicloud/clouds/oasis", "operator/multicloud_lab/oasis", "tests/support"}
    assert {str(path.parent) for path in added} == homes
    assert not [path for path in added if (ROOT / path).exists()], "it replaces a file of ours"


def test_the_types_hold(tree: Path) -> None:
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", tree / ".mypy_cache", dirs_exist_ok=True)
    assert "no issues found" in run(tree, "mypy", "operator")


def test_the_import_contracts_hold(tree: Path) -> None:
    assert " 0 broken" in run(tree, "lint-imports", "--no-logo", "--no-cache")


def test_the_conformance_suite_passes(tree: Path) -> None:
    said = run(
        tree,
        "pytest",
        SUITE,
        "-x",
        "-k",
        "oasis",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=--import-mode=importlib",
    )
    assert " passed" in said
