from typing import Any

import pytest

from multicloud.kinds.parse import pool_object
from multicloud.kube.client import KubeClient, KubeError
from multicloud.kube.objects import KubeObjects
from multicloud.model.port import Rejected, Written
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import PoolObject
from multicloud_lab.controlplane import ControlPlane
from support.manifests import account, pool

POOLS = "/apis/multicloud.dev/v1alpha1/namespaces/{}/multicloudpools"


@pytest.fixture
def objects(kube: KubeClient, our_kinds: ControlPlane, namespace: str) -> KubeObjects:
    return KubeObjects(kube, namespaces=[namespace])


async def create(kube: KubeClient, namespace: str, name: str = "web") -> PoolObject:
    return pool_object(await kube.call("POST", POOLS.format(namespace), body=pool(name, namespace)))


async def status_of(objects: KubeObjects, key: ObjectKey) -> dict[str, Any]:
    body = await objects.read_object(key)
    assert body is not None
    status: dict[str, Any] = body["status"]
    return status


async def test_the_kind_is_listed_in_the_namespaces_we_serve(
    kube: KubeClient, objects: KubeObjects, namespace: str
) -> None:
    made = await create(kube, namespace)
    body = account() | {"metadata": {"name": "account"}}
    await kube.call("POST", POOLS.format(namespace).replace("multicloudpools", "cloudaccounts"), body=body)
    (listed,) = await objects.list_objects(Kind.POOL)
    assert pool_object(listed) == made
    assert [each["kind"] for each in await objects.list_objects(Kind.ACCOUNT)] == ["CloudAccount"]
    assert await KubeObjects(kube, namespaces=["elsewhere"]).list_objects(Kind.POOL) == []


async def test_no_namespaces_means_all(kube: KubeClient, objects: KubeObjects, namespace: str) -> None:
    made = await create(kube, namespace)
    listed = await KubeObjects(kube, namespaces=[]).list_objects(Kind.POOL)
    assert made.uid in {each["metadata"]["uid"] for each in listed}


async def test_an_object_that_does_not_exist_is_none(objects: KubeObjects, namespace: str) -> None:
    assert await objects.read_object(ObjectKey(kind=Kind.POOL, namespace=namespace, name="none")) is None


async def test_the_whole_status_is_replaced(kube: KubeClient, objects: KubeObjects, namespace: str) -> None:
    made = await create(kube, namespace)
    first = await objects.write_status(
        made.key,
        uid=made.uid,
        resource_version=made.resource_version,
        status={"observedGeneration": 1, "replicas": 3, "desiredReplicas": 4},
    )
    assert isinstance(first, Written)
    assert int(first.resource_version) > int(made.resource_version)
    second = await objects.write_status(
        made.key,
        uid=made.uid,
        resource_version=first.resource_version,
        status={"observedGeneration": 2, "replicas": 3},
    )
    assert isinstance(second, Written)
    status = await status_of(objects, made.key)
    assert (status["observedGeneration"], status["replicas"]) == (2, 3)
    assert "desiredReplicas" not in status


async def test_the_same_status_again_is_no_new_version(kube: KubeClient, objects: KubeObjects, namespace: str) -> None:
    made = await create(kube, namespace)
    first = await objects.write_status(
        made.key, uid=made.uid, resource_version=made.resource_version, status={"replicas": 3}
    )
    assert isinstance(first, Written)
    again = await objects.write_status(
        made.key, uid=made.uid, resource_version=first.resource_version, status={"replicas": 3}
    )
    assert isinstance(again, Written)
    assert again.resource_version == first.resource_version


async def test_a_status_on_an_older_version_is_refused(kube: KubeClient, objects: KubeObjects, namespace: str) -> None:
    made = await create(kube, namespace)
    edited = pool(made.key.name, namespace, replicas=3)
    edited["metadata"]["resourceVersion"] = made.resource_version
    await kube.call("PUT", f"{POOLS.format(namespace)}/{made.key.name}", body=edited)
    answer = await objects.write_status(
        made.key, uid=made.uid, resource_version=made.resource_version, status={"replicas": 3}
    )
    assert isinstance(answer, Rejected)
    assert (answer.stale, answer.gone) == (True, False)


async def test_a_status_of_a_deleted_object_does_not_create_it_again(
    kube: KubeClient, objects: KubeObjects, namespace: str
) -> None:
    made = await create(kube, namespace)
    await kube.call("DELETE", f"{POOLS.format(namespace)}/{made.key.name}")
    answer = await objects.write_status(
        made.key, uid=made.uid, resource_version=made.resource_version, status={"replicas": 3}
    )
    assert isinstance(answer, Rejected)
    assert answer.gone
    assert await objects.read_object(made.key) is None


async def test_a_status_of_an_earlier_object_of_the_same_name_is_refused(
    kube: KubeClient, objects: KubeObjects, namespace: str
) -> None:
    earlier = await create(kube, namespace)
    await kube.call("DELETE", f"{POOLS.format(namespace)}/{earlier.key.name}")
    later = await create(kube, namespace)
    answer = await objects.write_status(
        earlier.key, uid=earlier.uid, resource_version=earlier.resource_version, status={"replicas": 3}
    )
    assert isinstance(answer, Rejected)
    assert answer.stale
    untouched = await objects.read_object(later.key)
    assert untouched is not None
    assert untouched["metadata"]["resourceVersion"] == later.resource_version


async def test_a_status_that_the_schema_does_not_know_is_refused_with_the_servers_words(
    kube: KubeClient, objects: KubeObjects, namespace: str
) -> None:
    made = await create(kube, namespace)
    answer = await objects.write_status(
        made.key, uid=made.uid, resource_version=made.resource_version, status={"fromTheFuture": 3}
    )
    assert isinstance(answer, Rejected)
    assert (answer.stale, answer.gone) == (False, False)
    assert "fromTheFuture" in answer.words


async def test_an_annotation_is_set_and_taken_away_on_the_version_that_was_read_and_on_no_other(
    kube: KubeClient, objects: KubeObjects, namespace: str
) -> None:
    made = await create(kube, namespace)
    set_ = await objects.annotate(made.key, {"a": "1", "b": "2"}, resource_version=made.resource_version)
    assert set_["metadata"]["annotations"] == {"a": "1", "b": "2"}
    with pytest.raises(KubeError) as stale:
        await objects.annotate(made.key, {"a": None}, resource_version=made.resource_version)
    assert stale.value.conflict
    left = await objects.annotate(made.key, {"a": None}, resource_version=set_["metadata"]["resourceVersion"])
    assert left["metadata"]["annotations"] == {"b": "2"}
    assert left["spec"] == set_["spec"]
