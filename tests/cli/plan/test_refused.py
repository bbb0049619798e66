"""What `multicloud plan` refuses: one line a mistake, with the file and the path of the field; exit code 1."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from multicloud.cli.root import root
from support.manifests import account, member, pool

_ROLE = {"roleArn": "arn:aws:iam::111122223333:role/pools"}


def named(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "name": name}}


def plan(directory: Path, *documents: Any, sizes: Any = None) -> Result:
    path = directory / "pools.yaml"
    path.write_text("\n---\n".join(each if isinstance(each, str) else yaml.safe_dump(each) for each in documents))
    more: list[str] = []
    if sizes is not None:
        (directory / "sizes.yaml").write_text(sizes if isinstance(sizes, str) else yaml.safe_dump(sizes))
        more = ["--observed", str(directory / "sizes.yaml")]
    return CliRunner().invoke(root, ["plan", str(path), *more])


WEB = "{}/pools.yaml: MultiCloudPool shop/web: "


@pytest.mark.parametrize(
    ("documents", "lines"),
    [
        pytest.param(
            [account(), pool(minReplicas=11, members=[member("a", minNodes=11), member("b", typo=1)])],
            [
                WEB + "spec.members[1].typo: unknown field",
                WEB + "spec.members[0].minNodes: minNodes must not be above maxNodes",
            ],
            id="each on a line of its own",
        ),
        pytest.param(
            [account(), pool(minReplicas=11)],
            [WEB + "spec.minReplicas: minReplicas must not be above maxReplicas"],
            id="a rule of the API server",
        ),
        pytest.param(
            [pool()],
            [WEB + "spec.members[0].accountRef.name: no file holds CloudAccount shop/account"],
            id="an account that is not there",
        ),
        pytest.param(
            [{**account(), "metadata": {"name": "account", "namespace": "other"}}, pool()],
            [WEB + "spec.members[0].accountRef.name: no file holds CloudAccount shop/account"],
            id="an account of another namespace",
        ),
        pytest.param(
            [account("gcp"), pool()],
            [WEB + "spec.members[0].accountRef.name: CloudAccount account is of gcp, the member's block of aws"],
            id="an account of another cloud",
        ),
        pytest.param(
            [account(), pool("api"), pool()],
            [
                WEB + "spec.members[0]: the node pool web is that of "
                "{}/pools.yaml: MultiCloudPool shop/api: spec.members[0] already"
            ],
            id="two pools of one node pool",
        ),
        pytest.param(
            [account(), pool(members=[member("a"), member("b")])],
            [WEB + "spec.members[1]: the node pool web is that of " + WEB + "spec.members[0] already"],
            id="two members of one node pool",
        ),
        pytest.param(
            [
                account("aws", aws=_ROLE),
                named(account("aws", aws=_ROLE), "twin"),
                pool(members=[member("a"), member("b", accountRef={"name": "twin"})]),
            ],
            [WEB + "spec.members[1]: the node pool web is that of " + WEB + "spec.members[0] already"],
            id="two accounts of one AWS account",
        ),
        pytest.param(
            [account(), pool(), pool()],
            [WEB + "metadata.name: stands in {}/pools.yaml already"],
            id="one object twice",
        ),
        pytest.param(
            [account(), {**pool(), "apiVersion": "multicloud.dev/v9"}],
            [WEB + "apiVersion: must be multicloud.dev/v1alpha1"],
            id="another version",
        ),
        pytest.param(
            [account(), {**pool(), "kind": "MulticloudPool"}],
            ["{}/pools.yaml: kind: MulticloudPool is none of multicloud.dev, which has CloudAccount, MultiCloudPool"],
            id="another kind",
        ),
        pytest.param(
            [account(), {**pool(), "metadata": {"name": "web", "namespace": "shop", "annotations": {"x": True}}}],
            [WEB + "metadata.annotations.x: must be text: put it in quotes"],
            id="an annotation that is no text",
        ),
        pytest.param(["a: [1"], ["{}/pools.yaml: while parsing"], id="no YAML"),
        pytest.param(["a: 1\na: 2"], ["{}/pools.yaml: a stands twice"], id="a field that stands twice"),
        pytest.param(["[1, 2]"], ["{}/pools.yaml: holds something that is no Kubernetes object"], id="no object"),
        pytest.param([account()], ["Error: no MultiCloudPool in {}/pools.yaml"], id="no pool"),
    ],
)
def test_a_mistake_names_file_and_field(tmp_path: Path, documents: list[Any], lines: list[str]) -> None:
    said = plan(tmp_path, *documents)
    assert (said.exit_code, said.stdout) == (1, "")
    told = said.stderr.splitlines()
    assert len(told) == len(lines)
    for line, expected in zip(told, lines, strict=True):
        assert line.startswith(expected.replace("{}", str(tmp_path)))


@pytest.mark.parametrize(
    ("sizes", "line"),
    [
        pytest.param({"shop/web": {"east": {"requested": -1}}}, "sizes.yaml: shop/web.east.requested: ", id="negative"),
        pytest.param({"shop/web": {"east": {}}}, "sizes.yaml: shop/web.east.requested: ", id="no size"),
        pytest.param({"shop/web": {"east": {"requested": 1, "x": 1}}}, "sizes.yaml: shop/web.east.x: ", id="unknown"),
        pytest.param(
            {"shop/web": {"east": {"requested": 1, "ready": 2}}},
            "sizes.yaml: shop/web.east: ready must",
            id="more ready",
        ),
        pytest.param({"shop/api": {}}, "shop/api: sizes are given for it, but no file", id="another pool"),
        pytest.param("", "sizes.yaml: must hold one document", id="empty"),
    ],
)
def test_a_mistake_in_sizes_names_file_and_field(tmp_path: Path, sizes: Any, line: str) -> None:
    said = plan(tmp_path, account(), pool(), sizes=sizes)
    assert (said.exit_code, said.stdout) == (1, "")
    assert len(said.stderr.splitlines()) == 1
    assert line in said.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "name a file with -f", id="nothing"),
        pytest.param(["web", "--observed", "deploy/samples/pool.yaml"], "--observed", id="sizes for a cluster's pool"),
        pytest.param(["-f", "nowhere.yaml"], "does not exist", id="no such file"),
        pytest.param(["--frobnicate"], "No such option", id="no such option"),
    ],
)
def test_what_cannot_be_meant_is_told_and_is_no_plan(arguments: list[str], told: str) -> None:
    said = CliRunner().invoke(root, ["plan", *arguments])
    assert (said.exit_code, said.stdout) == (1, "")
    assert told in said.stderr
