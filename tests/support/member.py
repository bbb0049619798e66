"""Member clusters of a running lab as their users reach them: tokens from the vendors' own SDKs, the Kubernetes client."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.signers import RequestSigner
from google.auth.transport.requests import Request
from google.oauth2 import service_account
from kubernetes import client

from multicloud_lab.thread import LabThread
from support.aks import credential

Member = Any
"""A CoreV1Api: every field of its models may be None by its types, which says nothing in a test."""

CLOUDS = ("aws", "azure", "gcp")
AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def place(lab: LabThread, cloud: str, name: str = "shop-prod") -> dict[str, str]:
    """The cluster's entry of the document."""
    found: list[dict[str, str]] = lab.document["clusters"]
    return next(each for each in found if (each["cloud"], each["name"]) == (cloud, name))


def aws_token(
    lab: LabThread, cluster: str = "shop-prod", *, key: dict[str, str] | None = None, host: str | None = None
) -> str:
    """What `aws eks get-token` prints; `host` is the STS that is asked, without one the region's own."""
    known = key or lab.document["credentials"]["aws"]
    session = boto3.Session(
        known["accessKeyId"], known["secretAccessKey"], known.get("sessionToken"), region_name="eu-central-1"
    )
    model = session.client("sts", endpoint_url=lab.document["sts"]["url"]).meta.service_model
    signer = RequestSigner(model.service_id, "eu-central-1", "sts", "v4", session.get_credentials(), session.events)
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"{host or 'https://sts.eu-central-1.amazonaws.com'}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": cluster},
            "context": {},
        },
        region_name="eu-central-1",
        expires_in=60,
        operation_name="",
    )
    return wrapped(url)


def wrapped(url: str) -> str:
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def unwrapped(token: str) -> str:
    raw = token.removeprefix("k8s-aws-v1.")
    return base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode()


def azure_token(lab: LabThread, audience: str = AKS_SERVER) -> str:
    """What kubelogin gets for a service principal."""
    with credential(lab) as known:
        return known.get_token(f"{audience}/.default").token


def google_token(lab: LabThread) -> str:
    """What gke-gcloud-auth-plugin hands on."""
    known: Any = service_account.Credentials.from_service_account_info(
        lab.document["credentials"]["gcp"], scopes=[SCOPE]
    )
    known.refresh(Request())
    return str(known.token)


def token(lab: LabThread, cloud: str) -> str:
    makers: dict[str, Callable[[LabThread], str]] = {"aws": aws_token, "azure": azure_token, "gcp": google_token}
    return makers[cloud](lab)


@contextmanager
def api(lab: LabThread, cloud: str, bearer: str | None, name: str = "shop-prod") -> Iterator[Member]:
    """The Kubernetes client on a member cluster, with a bearer token or none."""
    where = place(lab, cloud, name)
    settings = client.Configuration(host=where["url"])
    settings.ssl_ca_cert = where["caFile"]
    settings.retries = False
    if bearer is not None:
        settings.api_key = {"authorization": f"Bearer {bearer}"}
    with client.ApiClient(settings) as made:
        yield client.CoreV1Api(made)
