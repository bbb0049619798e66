"""What the clouds' APIs tell of a cluster leads a client to its own Kubernetes API, in each vendor's words."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import yaml

from multicloud_lab.thread import LabThread
from support import aks, member

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop"


@pytest.fixture(scope="module")
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running


def told_by_eks(lab: LabThread) -> tuple[str, bytes]:
    known = lab.document["credentials"]["aws"]
    session = boto3.Session(known["accessKeyId"], known["secretAccessKey"], region_name="us-east-1")
    cluster = session.client("eks", endpoint_url=lab.document["eks"]["url"]).describe_cluster(name="shop-prod")[
        "cluster"
    ]
    return cluster["endpoint"], base64.b64decode(cluster["certificateAuthority"]["data"])


def kubeconfig_of_aks(lab: LabThread, form: str) -> Any:
    with aks.client(lab) as client:
        answer = client.managed_clusters.list_cluster_user_credentials("shop", "shop-prod", format=form)
    assert answer.kubeconfigs is not None
    (told,) = answer.kubeconfigs
    assert told.name == "clusterUser"
    return yaml.safe_load(told.value or b"")


def told_by_aks(lab: LabThread) -> tuple[str, bytes]:
    cluster = kubeconfig_of_aks(lab, "exec")["clusters"][0]["cluster"]
    return cluster["server"], base64.b64decode(cluster["certificate-authority-data"])


def told_by_gke(lab: LabThread) -> tuple[str, bytes]:
    answer = requests.get(
        f"{lab.document['gke']['rest']}/v1/projects/shop-prod-1/locations/europe-west1/clusters/shop-prod",
        headers={"Authorization": f"Bearer {member.google_token(lab)}"},
        timeout=10,
    ).json()
    return f"https://{answer['endpoint']}", base64.b64decode(answer["masterAuth"]["clusterCaCertificate"])


@pytest.mark.parametrize(("cloud", "told"), [("aws", told_by_eks), ("azure", told_by_aks), ("gcp", told_by_gke)])
def test_the_cloud_tells_address_and_authority(lab: LabThread, cloud: str, told: Any) -> None:
    url, authority = told(lab)
    where = member.place(lab, cloud)
    assert (url, authority) == (where["url"], Path(where["caFile"]).read_bytes())


@pytest.mark.parametrize(("form", "kind"), [("exec", "exec"), ("azure", "auth-provider")])
def test_the_kubeconfig_of_aks_holds_no_credential(lab: LabThread, form: str, kind: str) -> None:
    user = kubeconfig_of_aks(lab, form)["users"][0]["user"]
    assert set(user) == {kind}


def test_the_kubeconfig_needs_its_permission(lab: LabThread) -> None:
    action = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"
    principal = lab.document["credentials"]["azure"]["clientId"]
    lab.run(lambda running: running.permissions.deny(principal, action))
    try:
        with pytest.raises(Exception, match="AuthorizationFailed"):
            kubeconfig_of_aks(lab, "exec")
    finally:
        lab.run(lambda running: running.permissions.reset())
