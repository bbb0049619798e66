"""Identities in clouds: what a CloudAccount says. Parsed by `kinds`, opened by `clouds.registry`, never written back."""

from dataclasses import dataclass, field
from typing import Protocol

from multicloud.model.reason import Reason
from multicloud.model.record import AccountRecord
from multicloud.model.ref import Cloud, ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccount:
    """An AWS account, told by the credentials, or by the role that they assume.

    `external_id` is the user's own; None means that of `AccountObject.external_id`.
    """

    role_arn: str | None = None
    external_id: str | None = None

    @property
    def cloud(self) -> Cloud:
        """As Provider says."""
        return Cloud.AWS

    @property
    def owner(self) -> str:
        """As Provider says."""
        return ""

    @property
    def target(self) -> str | None:
        """The role's ARN."""
        return self.role_arn


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureAccount:
    """An Azure subscription seen by one application.

    `client_id` is None for the operator's own. `environment` names a set of endpoints; None is the default one.
    """

    tenant_id: str
    client_id: str | None
    subscription_id: str
    environment: str | None = None

    @property
    def cloud(self) -> Cloud:
        """As Provider says."""
        return Cloud.AZURE

    @property
    def owner(self) -> str:
        """As Provider says."""
        return self.subscription_id

    @property
    def target(self) -> str | None:
        """`client id@tenant id`."""
        return None if self.client_id is None else f"{self.client_id}@{self.tenant_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpAccount:
    """A Google Cloud project. `impersonate` is the e-mail of the service account to act as, None for none."""

    project: str
    impersonate: str | None = None

    @property
    def cloud(self) -> Cloud:
        """As Provider says."""
        return Cloud.GCP

    @property
    def owner(self) -> str:
        """As Provider says."""
        return self.project

    @property
    def target(self) -> str | None:
        """The service account's e-mail."""
        return self.impersonate


class Provider(Protocol):
    """A cloud's block of an account: made by `kinds`, opened by the door that `clouds.registry` has for it."""

    @property
    def cloud(self) -> Cloud:
        """The cloud that the block belongs to."""
        ...

    @property
    def owner(self) -> str:
        """Default `ClusterRef.owner` of the account's clusters, empty where the credentials tell it."""
        ...

    @property
    def target(self) -> str | None:
        """Whom the operator's own identity is to become for it, as `identities.allow` spells it; None for itself."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """One identity in one cloud. `secret` names a Secret of the same namespace; None means the ambient identity."""

    provider: Provider
    secret: str | None

    @property
    def cloud(self) -> Cloud:
        """The cloud that the provider block belongs to."""
        return self.provider.cloud

    @property
    def target(self) -> str | None:
        """Whom the ambient identity is to become, None for itself."""
        return self.provider.target

    @property
    def owner(self) -> str:
        """Default `ClusterRef.owner` of this account's clusters."""
        return self.provider.owner


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountObject:
    """A CloudAccount as last seen. `spec` is None when it could not be understood; `problem` then says why.

    `paused` keeps every cloud write from its members.
    """

    key: ObjectKey
    uid: str
    generation: int
    resource_version: str
    spec: AccountSpec | None
    problem: Reason | None = None
    paused: bool = False
    record: AccountRecord = field(default_factory=AccountRecord)

    def caller(self, installation: str) -> str:
        """How a cloud's audit log names whom we act for: `<installation>/<namespace>/<name>`."""
        return f"{installation}/{self.key.namespace}/{self.key.name}"

    def external_id(self, installation: str) -> str | None:
        """What the role's trust policy must ask for; None without a role."""
        match self.spec:
            case AccountSpec(provider=AwsAccount(role_arn=str(), external_id=own)):
                return own or self.caller(installation)
        return None
