"""Every way to sign in that an account may have, on one lab: the account, its Secret or the operator's environment.

A way is tried by `tests/clouds/test_identities.py`; a new one is one more entry in `WAYS`.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import boto3
import pytest
from google.auth.compute_engine import _metadata

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.seed import AzurePrincipal, GcpPrincipal, Seed
from multicloud_lab.thread import LabThread
from support.certificates import certificate

TENANT = "00000000-0000-0000-0000-0000000000aa"
CLIENT = "00000000-0000-0000-0000-0000000000bb"
OTHER_CLIENT = "00000000-0000-0000-0000-0000000000cc"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
PROJECT = "shop-prod-1"
LAB_EMAIL = f"lab@{PROJECT}.iam.gserviceaccount.com"
POOLS_EMAIL = f"pools@{PROJECT}.iam.gserviceaccount.com"
ROLE = "arn:aws:iam::111122223333:role/team/pools"
OPERATOR_ROLE = "arn:aws:iam::111122223333:role/operator"
INSTALLATION, NAMESPACE, NAME = "prod", "shop", "mine"
CALLER = f"{INSTALLATION}/{NAMESPACE}/{NAME}"
SESSION = f"{INSTALLATION}@{NAMESPACE}@{NAME}"
PROVIDER = "projects/123456789012/locations/global/workloadIdentityPools/clusters"
SUBJECT = "system:serviceaccount:multicloud-system:multicloud-operator"


def seed() -> Seed:
    """The default seed with a second principal in Azure and Google Cloud, and a certificate for the first of Azure."""
    plain = Seed()
    applications = (
        AzurePrincipal(client_id=CLIENT, client_secret="lab-client-secret", certificate=certificate().public.decode()),
        AzurePrincipal(name="other", client_id=OTHER_CLIENT, client_secret="another"),
    )
    azure = plain.azure.model_copy(update={"principals": applications})
    gcp = plain.gcp.model_copy(update={"principals": (GcpPrincipal(), GcpPrincipal(email=POOLS_EMAIL))})
    return plain.model_copy(update={"azure": azure, "gcp": gcp})


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the operator runs: the lab, its environment variables, a directory for the files that they name."""

    lab: LabThread
    environment: pytest.MonkeyPatch
    directory: Path

    def file(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def clear(self) -> None:
        """No identity at all: as on a machine of nobody's."""
        for name in list(os.environ):
            if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "GCE_", "IDENTITY_", "MSI_", "CLOUDSDK_")):
                self.environment.delenv(name)
        self.environment.setenv("HOME", str(self.directory))
        self.environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        # Where Google's metadata server would be, nobody listens.
        self.environment.setattr(_metadata, "_GCE_METADATA_HOST", "127.0.0.1:9")
        self.environment.setenv("GCE_METADATA_IP", "127.0.0.1:9")
        self.environment.setenv("GCE_METADATA_DETECT_RETRIES", "1")


def jwt(audience: str, **claims: Any) -> str:
    """A service account's token as a cluster's issuer makes it; the lab does not check its signature."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    whole = {"iss": "https://issuer", "sub": SUBJECT, "aud": audience, "exp": wall_time_s() + 3600, **claims}
    return f"{part({'alg': 'RS256'})}.{part(whole)}.c2lnbmF0dXJl"


def lab_keys(machine: Machine) -> dict[str, bytes]:
    known = machine.lab.document["credentials"]["aws"]
    return {name: known[name].encode() for name in ("accessKeyId", "secretAccessKey")}


def session_keys(machine: Machine) -> dict[str, bytes]:
    known = machine.lab.document["credentials"]["aws"]
    sts = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=machine.lab.document["sts"]["url"],
        aws_access_key_id=known["accessKeyId"],
        aws_secret_access_key=known["secretAccessKey"],
    )
    given = sts.assume_role(RoleArn=OPERATOR_ROLE, RoleSessionName="person")["Credentials"]
    names = {"accessKeyId": "AccessKeyId", "secretAccessKey": "SecretAccessKey", "sessionToken": "SessionToken"}
    return {name: given[theirs].encode() for name, theirs in names.items()}


def irsa(machine: Machine) -> None:
    """What EKS puts into the pod of a service account with the annotation eks.amazonaws.com/role-arn."""
    machine.environment.setenv("AWS_ROLE_ARN", OPERATOR_ROLE)
    machine.environment.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", machine.file("aws-token", jwt("sts.amazonaws.com")))


def pod_identity(machine: Machine) -> None:
    """What EKS puts into the pod of a service account with a Pod Identity association."""
    machine.environment.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", machine.lab.document["podIdentity"]["url"])
    token = machine.file("pod-token", jwt("pods.eks.amazonaws.com"))
    machine.environment.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token)


def own_keys(machine: Machine) -> None:
    known = machine.lab.document["credentials"]["aws"]
    machine.environment.setenv("AWS_ACCESS_KEY_ID", known["accessKeyId"])
    machine.environment.setenv("AWS_SECRET_ACCESS_KEY", known["secretAccessKey"])


def client_secret(machine: Machine) -> dict[str, bytes]:
    return {"clientSecret": machine.lab.document["credentials"]["azure"]["clientSecret"].encode()}


def client_certificate(_machine: Machine) -> dict[str, bytes]:
    return {"clientCertificate": certificate().both}


def azure_workload(machine: Machine) -> None:
    """What AKS's workload identity webhook puts into a pod."""
    machine.environment.setenv("AZURE_CLIENT_ID", CLIENT)
    machine.environment.setenv("AZURE_TENANT_ID", TENANT)
    machine.environment.setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/")
    token = machine.file("azure-token", jwt("api://AzureADTokenExchange"))
    machine.environment.setenv("AZURE_FEDERATED_TOKEN_FILE", token)


def machine_of_azure(machine: Machine) -> None:
    machine.environment.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", machine.lab.document["arm"]["metadata"])


def service_account_key(machine: Machine) -> dict[str, bytes]:
    return {"key.json": json.dumps(machine.lab.document["credentials"]["gcp"]).encode()}


def metadata_server(machine: Machine) -> None:
    """A pod with Workload Identity Federation for GKE, or a machine of Google's."""
    host = str(machine.lab.document["google"]["metadata"]).removeprefix("http://")
    # google-auth reads GCE_METADATA_HOST when it is imported.
    machine.environment.setattr(_metadata, "_GCE_METADATA_HOST", host)
    machine.environment.setenv("GCE_METADATA_IP", host)


def key_file(machine: Machine) -> None:
    path = machine.file("adc.json", json.dumps(machine.lab.document["credentials"]["gcp"]))
    machine.environment.setenv("GOOGLE_APPLICATION_CREDENTIALS", path)


def federation(machine: Machine, **more: Any) -> None:
    """A workload identity federation's configuration, as `gcloud iam workload-identity-pools create-cred-config` makes it."""
    config = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{PROVIDER}/providers/eks",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": machine.lab.document["google"]["sts"],
        "credential_source": {"file": machine.file("google-token", jwt("google"))},
        **more,
    }
    machine.environment.setenv("GOOGLE_APPLICATION_CREDENTIALS", machine.file("federation.json", json.dumps(config)))


def federation_as_account(machine: Machine) -> None:
    root = machine.lab.document["google"]["iamcredentials"]
    url = f"{root}/v1/projects/-/serviceAccounts/{POOLS_EMAIL}:generateAccessToken"
    federation(machine, service_account_impersonation_url=url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to sign in.

    `block` is the account's, `secret` makes its Secret, `given` sets the operator's own environment. `identity` is what
    status must show, `principal` whom the lab's journal must name for a read. `allow` is the namespace's list.
    """

    id: str
    cloud: Literal["aws", "azure", "gcp"]
    identity: str
    principal: str
    block: Mapping[str, Any] = field(default_factory=dict)
    secret: Callable[[Machine], dict[str, bytes]] | None = None
    given: Callable[[Machine], None] | None = None
    allow: tuple[str, ...] | None = None
    external_id: str | None = None


def _assumed(role: str, session: str) -> str:
    return f"arn:aws:sts::111122223333:assumed-role/{role}/{session}"


_AZURE = {"tenantId": TENANT, "subscriptionId": SUBSCRIPTION}
_NAMED = {**_AZURE, "clientId": CLIENT}
_OTHER = {**_AZURE, "clientId": OTHER_CLIENT}
_GCP = {"project": PROJECT}
_AS_POOLS = {**_GCP, "impersonate": POOLS_EMAIL}
_POOLS = _assumed("pools", SESSION)
_FEDERATED = f"principal://iam.googleapis.com/{PROVIDER}/subject/{SUBJECT}"

WAYS: tuple[Way, ...] = (
    Way(
        id="aws-keys",
        cloud="aws",
        secret=lab_keys,
        identity="arn:aws:iam::111122223333:user/lab",
        principal="lab",
    ),
    Way(
        id="aws-session-keys",
        cloud="aws",
        secret=session_keys,
        identity=_assumed("operator", "person"),
        principal="operator",
    ),
    Way(
        id="aws-keys-then-role",
        cloud="aws",
        block={"roleArn": ROLE},
        secret=lab_keys,
        identity=_POOLS,
        principal="pools",
        external_id=CALLER,
    ),
    Way(
        id="aws-keys-then-role-with-own-external-id",
        cloud="aws",
        block={"roleArn": ROLE, "externalId": "their/own:id"},
        secret=lab_keys,
        identity=_POOLS,
        principal="pools",
        external_id="their/own:id",
    ),
    Way(
        id="aws-session-keys-then-role",
        cloud="aws",
        block={"roleArn": ROLE},
        secret=session_keys,
        identity=_POOLS,
        principal="pools",
        external_id=CALLER,
    ),
    Way(id="aws-irsa", cloud="aws", given=irsa, identity=_assumed("operator", SESSION), principal="operator"),
    Way(
        id="aws-irsa-then-role",
        cloud="aws",
        block={"roleArn": ROLE},
        given=irsa,
        allow=(ROLE,),
        identity=_POOLS,
        principal="pools",
        external_id=CALLER,
    ),
    Way(
        id="aws-pod-identity",
        cloud="aws",
        given=pod_identity,
        identity=_assumed("pod-identity", "eks-system-serviceaccount-multicloud-system-multicloud-operator"),
        principal="pod-identity",
    ),
    Way(
        id="aws-pod-identity-then-role",
        cloud="aws",
        block={"roleArn": ROLE},
        given=pod_identity,
        allow=("arn:aws:iam::111122223333:role/team/*",),
        identity=_POOLS,
        principal="pools",
        external_id=CALLER,
    ),
    Way(
        id="aws-environment",
        cloud="aws",
        given=own_keys,
        identity="arn:aws:iam::111122223333:user/lab",
        principal="lab",
    ),
    Way(
        id="azure-client-secret",
        cloud="azure",
        block=_NAMED,
        secret=client_secret,
        identity=f"{CLIENT}@{TENANT}",
        principal=CLIENT,
    ),
    Way(
        id="azure-certificate",
        cloud="azure",
        block=_NAMED,
        secret=client_certificate,
        identity=f"{CLIENT}@{TENANT}",
        principal=CLIENT,
    ),
    Way(
        id="azure-client-secret-elsewhere",
        cloud="azure",
        block={**_NAMED, "environment": "Lab"},
        secret=client_secret,
        identity=f"{CLIENT}@{TENANT}",
        principal=CLIENT,
    ),
    Way(
        id="azure-workload-identity",
        cloud="azure",
        block=_AZURE,
        given=azure_workload,
        identity=f"{CLIENT}@{TENANT}",
        principal=CLIENT,
    ),
    Way(
        id="azure-workload-identity-as-another",
        cloud="azure",
        block=_OTHER,
        given=azure_workload,
        allow=(f"{OTHER_CLIENT}@{TENANT}",),
        identity=f"{OTHER_CLIENT}@{TENANT}",
        principal=OTHER_CLIENT,
    ),
    Way(
        id="azure-managed-identity",
        cloud="azure",
        block=_AZURE,
        given=machine_of_azure,
        identity=f"{CLIENT}@{TENANT}",
        principal=CLIENT,
    ),
    Way(
        id="azure-managed-identity-by-name",
        cloud="azure",
        block=_OTHER,
        given=machine_of_azure,
        allow=(f"{OTHER_CLIENT}@*",),
        identity=f"{OTHER_CLIENT}@{TENANT}",
        principal=OTHER_CLIENT,
    ),
    Way(
        id="gcp-key",
        cloud="gcp",
        block=_GCP,
        secret=service_account_key,
        identity=LAB_EMAIL,
        principal=LAB_EMAIL,
    ),
    Way(
        id="gcp-key-then-impersonation",
        cloud="gcp",
        block=_AS_POOLS,
        secret=service_account_key,
        identity=POOLS_EMAIL,
        principal=POOLS_EMAIL,
    ),
    Way(
        id="gcp-metadata",
        cloud="gcp",
        block=_GCP,
        given=metadata_server,
        identity=LAB_EMAIL,
        principal=LAB_EMAIL,
    ),
    Way(
        id="gcp-metadata-then-impersonation",
        cloud="gcp",
        block=_AS_POOLS,
        given=metadata_server,
        allow=(POOLS_EMAIL,),
        identity=POOLS_EMAIL,
        principal=POOLS_EMAIL,
    ),
    Way(id="gcp-key-file", cloud="gcp", block=_GCP, given=key_file, identity=LAB_EMAIL, principal=LAB_EMAIL),
    Way(
        id="gcp-federation",
        cloud="gcp",
        block=_GCP,
        given=federation,
        identity=f"//iam.googleapis.com/{PROVIDER}/providers/eks",
        principal=_FEDERATED,
    ),
    Way(
        id="gcp-federation-as-service-account",
        cloud="gcp",
        block=_GCP,
        given=federation_as_account,
        identity=POOLS_EMAIL,
        principal=POOLS_EMAIL,
    ),
    Way(
        id="gcp-federation-then-impersonation",
        cloud="gcp",
        block=_AS_POOLS,
        given=federation,
        allow=("pools@*",),
        identity=POOLS_EMAIL,
        principal=POOLS_EMAIL,
    ),
)
