from dataclasses import replace

import pytest

from multicloud.kube.client import KubeClient
from multicloud.kube.events import KubeEvents
from multicloud.model.port import EventNote
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Kind, ObjectKey
from support.clock import EPOCH

NOTE = EventNote(
    about=ObjectKey(kind=Kind.POOL, namespace="", name="web"),
    uid="u1",
    reason=Reason(code=Code.STOPPED, text="the stop switch forbids every cloud write"),
    action="Resize",
    warning=True,
    at=EPOCH,
)


async def posted(kube: KubeClient, plain_namespace: str, note: EventNote) -> dict[str, object]:
    about = replace(note.about, namespace=plain_namespace)
    await KubeEvents(kube, instance="replica-1").post(replace(note, about=about))
    (event,) = await kube.list_pages(f"/apis/events.k8s.io/v1/namespaces/{plain_namespace}/events")
    return dict(event)


async def test_an_event_is_about_the_object(kube: KubeClient, plain_namespace: str) -> None:
    event = await posted(kube, plain_namespace, NOTE)
    assert event["regarding"] == {
        "apiVersion": "multicloud.dev/v1alpha1",
        "kind": "MultiCloudPool",
        "namespace": plain_namespace,
        "name": "web",
        "uid": "u1",
    }
    assert (event["type"], event["reason"], event["action"]) == ("Warning", "StopSwitch", "Resize")
    assert event["note"] == NOTE.reason.text
    assert event["eventTime"] == "2026-11-23T08:00:00.000000Z"
    assert event["reportingInstance"] == "replica-1"


async def test_kubectl_shows_it(kube: KubeClient, plain_namespace: str) -> None:
    await posted(kube, plain_namespace, replace(NOTE, warning=False))
    (core,) = await kube.list_pages(f"/api/v1/namespaces/{plain_namespace}/events")
    assert core["involvedObject"]["name"] == "web"
    assert core["type"] == "Normal"


@pytest.mark.parametrize(
    "text", ["x" * 3000, "×" * 1024, "a" + "×" * 1024], ids=["ascii", "two bytes each", "cut within a character"]
)
async def test_a_long_note_is_cut_to_what_the_server_takes(kube: KubeClient, plain_namespace: str, text: str) -> None:
    event = await posted(kube, plain_namespace, replace(NOTE, reason=Reason(code=Code.STOPPED, text=text)))
    note = str(event["note"])
    assert text.startswith(note)
    assert len(note.encode()) in (1023, 1024)


@pytest.mark.parametrize(
    "name", ["a" * 253, "a" * 199 + "-b", "a" * 199 + ".b"], ids=["long", "cut after a dash", "cut after a dot"]
)
async def test_any_name_of_an_object_makes_a_legal_event(kube: KubeClient, plain_namespace: str, name: str) -> None:
    event = await posted(kube, plain_namespace, replace(NOTE, about=replace(NOTE.about, name=name)))
    regarding = event["regarding"]
    assert isinstance(regarding, dict)
    assert regarding["name"] == name
