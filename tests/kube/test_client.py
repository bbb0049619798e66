import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from multicloud.kube.client import PAGE, KubeClient, KubeError
from multicloud_lab.controlplane import ControlPlane
from support.answering import Serve
from support.line import kubeconfig_over, line_to

CONFIGMAPS = "/api/v1/namespaces/{}/configmaps"


def rewrite(path: Path, text: str) -> None:
    path.write_text(text)


def configmap(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


async def test_what_does_not_exist(kube: KubeClient, plain_namespace: str) -> None:
    with pytest.raises(KubeError) as caught:
        await kube.call("GET", f"{CONFIGMAPS.format(plain_namespace)}/none")
    assert (caught.value.status, caught.value.gone, caught.value.conflict) == (404, True, False)
    assert caught.value.words == 'configmaps "none" not found'


async def test_what_exists_already(kube: KubeClient, plain_namespace: str) -> None:
    await kube.call("POST", CONFIGMAPS.format(plain_namespace), body=configmap("one"))
    with pytest.raises(KubeError) as caught:
        await kube.call("POST", CONFIGMAPS.format(plain_namespace), body=configmap("one"))
    assert caught.value.conflict
    assert not caught.value.gone


async def test_what_is_not_ours_to_see(stranger: KubeClient, plain_namespace: str) -> None:
    with pytest.raises(KubeError) as caught:
        await stranger.call("GET", CONFIGMAPS.format(plain_namespace))
    assert caught.value.denied
    assert 'User "stranger" cannot list resource "configmaps"' in caught.value.words


async def test_a_server_that_cannot_be_reached(control_plane: ControlPlane, tmp_path: Path) -> None:
    async with line_to(control_plane) as line:
        line.cut()
        kubeconfig = kubeconfig_over(line, control_plane.kubeconfig, tmp_path)
        async with await KubeClient.connect(kubeconfig, None) as kube:
            with pytest.raises(KubeError) as caught:
                await kube.call("GET", "/version")
            assert caught.value.status == 0
            assert f"127.0.0.1:{line.port}" in str(caught.value)
            line.mend()
            assert "gitVersion" in await kube.call("GET", "/version")


async def test_a_server_that_does_not_answer_costs_the_time_out_and_no_more(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    async with line_to(control_plane) as line:
        kubeconfig = kubeconfig_over(line, control_plane.kubeconfig, tmp_path)
        async with await KubeClient.connect(kubeconfig, None) as kube:
            await kube.call("GET", "/version")
            line.lose_answers()
            async with asyncio.timeout(10):
                with pytest.raises(KubeError, match="no answer: TimeoutError"):
                    await kube.call("GET", "/version", timeout_s=0.2)


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (200, "<html>a proxy's login page</html>", "an answer that is not JSON"),
        (200, "[]", "an answer that is no object"),
        (502, "<html>bad gateway</html>", "an answer that is not JSON"),
        (500, "[]", "an answer that is no Status"),
        (503, '{"message": "try later"}', "try later"),
    ],
    ids=["html for 200", "a list", "html for 502", "a list for 500", "a status"],
)
async def test_answers_that_are_none(serve: Serve, status: int, text: str, words: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    kube = await serve(answer)
    with pytest.raises(KubeError) as caught:
        await kube.call("GET", "/version")
    assert caught.value.words == words


async def test_an_empty_answer_is_an_empty_object(serve: Serve) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=200)

    assert await (await serve(answer)).call("DELETE", "/x") == {}


async def test_a_collection_of_several_pages_is_read_whole(kube: KubeClient, plain_namespace: str) -> None:
    names = [f"cm-{number:04}" for number in range(PAGE + 20)]
    several = asyncio.Semaphore(32)

    async def create(name: str) -> None:
        async with several:
            await kube.call("POST", CONFIGMAPS.format(plain_namespace), body=configmap(name))

    await asyncio.gather(*map(create, names))
    found = await kube.list_pages(CONFIGMAPS.format(plain_namespace))
    assert [each["metadata"]["name"] for each in found if each["metadata"]["name"].startswith("cm-")] == names


async def test_a_list_whose_snapshot_expired_half_way_starts_over(serve: Serve) -> None:
    asked: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        assert request.query["limit"] == str(PAGE)
        token = request.query.get("continue")
        asked.append(token)
        if token == "old":
            return web.json_response({"message": "expired"}, status=410)
        page = {
            None: {"items": [{"n": 1}], "metadata": {"continue": "old" if len(asked) == 1 else "new"}},
            "new": {"items": [{"n": 2}], "metadata": {}},
        }[token]
        return web.json_response(page)

    assert await (await serve(answer)).list_pages("/things") == [{"n": 1}, {"n": 2}]
    assert asked == [None, "old", None, "new"]


async def test_a_list_that_fails_half_way_is_no_short_list(serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        if "continue" in request.query:
            return web.json_response({"message": "etcd is away"}, status=500)
        return web.json_response({"items": [{"n": 1}], "metadata": {"continue": "more"}})

    with pytest.raises(KubeError, match="etcd is away"):
        await (await serve(answer)).list_pages("/things")


async def test_a_missing_kubeconfig_says_what_to_try(tmp_path: Path) -> None:
    with pytest.raises(KubeError, match="--kubeconfig"):
        await KubeClient.connect(tmp_path / "none", None)


async def test_an_unknown_context_is_named(control_plane: ControlPlane) -> None:
    with pytest.raises(KubeError, match="elsewhere"):
        await KubeClient.connect(control_plane.kubeconfig, "elsewhere")


async def test_how_kopf_is_told_to_log_in(kube: KubeClient, control_plane: ControlPlane) -> None:
    connection = kube.connection()
    assert connection.server == control_plane.url
    assert connection.ca_file is not None
    assert connection.cert_file is not None
    assert connection.key_file is not None
    assert connection.token is None
    assert not connection.insecure


async def test_the_pods_own_token_is_read_anew_and_never_shown(token_file: Path) -> None:
    async with KubeClient(ApiClient(Configuration()), token_file=token_file) as kube:
        assert kube.connection().token == "first"
        rewrite(token_file, "second\n")
        assert kube.connection().token == "second"
        assert "second" not in repr(kube.connection())


async def test_a_token_is_sent_and_handed_on_without_its_scheme(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": {"token": "s3cret"}}],
            }
        )
    )
    async with await KubeClient.connect(kubeconfig, None) as kube:
        assert kube.connection().token == "s3cret"
