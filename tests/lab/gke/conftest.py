"""A lab, and the vendor's own clients on it: google-cloud-container over TLS, AuthorizedSession for Compute."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.auth.transport.grpc import AuthMetadataPlugin
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud.container_v1 import ClusterManagerClient
from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerGrpcTransport
from google.oauth2 import service_account

from multicloud_lab.thread import LabThread
from support.lab import lab

__all__ = ["lab"]

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@pytest.fixture
def credentials(lab: LabThread) -> service_account.Credentials:
    key = lab.document["credentials"]["gcp"]
    credentials: service_account.Credentials = service_account.Credentials.from_service_account_info(
        key, scopes=[SCOPE]
    )
    return credentials


@pytest.fixture
def tls(lab: LabThread) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(Path(lab.document["gke"]["caFile"]).read_bytes())


@pytest.fixture
def gke(lab: LabThread, credentials: service_account.Credentials, tls: grpc.ChannelCredentials) -> Iterator[Any]:
    plugin = grpc.metadata_call_credentials(AuthMetadataPlugin(credentials, Request()))
    channel = grpc.secure_channel(lab.document["gke"]["grpc"], grpc.composite_channel_credentials(tls, plugin))
    with channel:
        yield ClusterManagerClient(transport=ClusterManagerGrpcTransport(channel=channel))


@pytest.fixture
def compute(credentials: service_account.Credentials) -> Iterator[AuthorizedSession]:
    with AuthorizedSession(credentials) as session:
        yield session
