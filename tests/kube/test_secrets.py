import base64
from pathlib import Path

import pytest
from aiohttp import web

from multicloud.kube.client import KubeClient
from multicloud.kube.secrets import KubeSecrets
from multicloud.model.error import Refused, Unavailable
from multicloud.model.reason import Code
from multicloud_lab.controlplane import ControlPlane
from support.answering import Serve
from support.line import kubeconfig_over, line_to


async def test_a_secret_is_read_by_name_and_decoded(kube: KubeClient, plain_namespace: str) -> None:
    body = {"metadata": {"name": "keys"}, "data": {"id": base64.b64encode(b"\x00\xff").decode(), "empty": ""}}
    await kube.call("POST", f"/api/v1/namespaces/{plain_namespace}/secrets", body=body)
    assert await KubeSecrets(kube).read_secret(plain_namespace, "keys") == {"id": b"\x00\xff", "empty": b""}


async def test_a_secret_without_data_is_empty(kube: KubeClient, plain_namespace: str) -> None:
    await kube.call("POST", f"/api/v1/namespaces/{plain_namespace}/secrets", body={"metadata": {"name": "keys"}})
    assert await KubeSecrets(kube).read_secret(plain_namespace, "keys") == {}


async def test_a_missing_secret_is_named_with_what_to_do(kube: KubeClient, plain_namespace: str) -> None:
    with pytest.raises(Refused) as caught:
        await KubeSecrets(kube).read_secret(plain_namespace, "keys")
    assert caught.value.reason.code is Code.SECRET_NOT_FOUND
    assert "keys" in caught.value.reason.text
    assert plain_namespace in caught.value.reason.text


async def test_what_rbac_denies_is_not_readable_whether_it_exists_or_not(
    stranger: KubeClient, plain_namespace: str
) -> None:
    with pytest.raises(Refused) as caught:
        await KubeSecrets(stranger).read_secret(plain_namespace, "keys")
    assert caught.value.reason.code is Code.SECRET_NOT_READABLE
    assert "tenantNamespaces" in caught.value.reason.text


async def test_a_role_on_the_one_secret_is_enough(
    kube: KubeClient, stranger: KubeClient, control_plane: ControlPlane, plain_namespace: str
) -> None:
    in_namespace = f"--namespace={plain_namespace}"
    await kube.call("POST", f"/api/v1/namespaces/{plain_namespace}/secrets", body={"metadata": {"name": "keys"}})
    role = ("create", "role", "keys", "--verb=get", "--resource=secrets", "--resource-name=keys", in_namespace)
    control_plane.kubectl(*role).check_returncode()
    binding = ("create", "rolebinding", "keys", "--role=keys", "--user=stranger", in_namespace)
    control_plane.kubectl(*binding).check_returncode()
    secrets = KubeSecrets(stranger)
    for _ in range(100):  # the server's own cache of RBAC follows within moments
        try:
            assert await secrets.read_secret(plain_namespace, "keys") == {}
        except Refused:
            continue
        break
    else:
        pytest.fail("the role did not come into force")


async def test_a_server_that_is_away_is_no_fault_of_the_secret(
    control_plane: ControlPlane, plain_namespace: str, tmp_path: Path
) -> None:
    async with line_to(control_plane) as line:
        kubeconfig = kubeconfig_over(line, control_plane.kubeconfig, tmp_path)
        async with await KubeClient.connect(kubeconfig, None) as kube:
            line.cut()
            with pytest.raises(Unavailable):
                await KubeSecrets(kube).read_secret(plain_namespace, "keys")


async def test_data_that_is_not_base64_is_never_shown(serve: Serve) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"data": {"key": "not base64, but s3cret"}})

    with pytest.raises(Refused) as caught:
        await KubeSecrets(await serve(answer)).read_secret("shop", "keys")
    assert caught.value.reason.code is Code.SECRET_INVALID
    assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"
