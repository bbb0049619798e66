"""CloudAccount as manifests spell it: one identity in one cloud. Read by `parse`, turned into a schema by `crd`."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from multicloud.kinds.shape import GcpProject, Guid, ObjectName, Part, rule, rules
from multicloud.model.ref import Cloud
from multicloud.model.spec import AccountSpec, AwsAccount, AzureAccount, GcpAccount, Provider


class ProviderName(StrEnum):
    """A provider, by the name of the block that describes it."""

    AWS = Cloud.AWS.value
    AZURE = Cloud.AZURE.value
    GCP = Cloud.GCP.value


class AwsBlock(Part):
    """An AWS account, told by the credentials alone."""


class AzureBlock(Part):
    """An Azure subscription, seen by one application."""

    tenant_id: Guid = Field(description="Directory (tenant) that the application signs in to, a GUID.")
    client_id: Guid | None = Field(
        default=None,
        description="Application (client) id to sign in as, a GUID. Absent: that of the operator's own identity.",
    )
    subscription_id: Guid = Field(description="Subscription whose clusters this account reaches by default, a GUID.")


class GcpBlock(Part):
    """A Google Cloud project."""

    project: GcpProject = Field(
        description="Project id (not its number) whose clusters this account reaches by default."
    )


class SecretRef(Part):
    """A Secret in the namespace of the object that names it."""

    name: ObjectName = Field(description="Name of the Secret. It is read by name, never listed or watched.")


class Credentials(Part):
    """What the account signs in with."""

    secret_ref: SecretRef | None = Field(
        default=None,
        description="Secret in the same namespace that holds the cloud's key, under the key names documented for "
        "the provider.",
    )


def _only_with(provider: ProviderName) -> dict[str, str]:
    block = provider.value
    return rule(
        f"has(self.{block}) == (self.provider == '{block}')",
        f"{block} must be set if, and only if, provider is {block}",
        field=f".{block}",
    )


class CloudAccountSpec(Part):
    """One identity in one cloud."""

    model_config = ConfigDict(json_schema_extra=rules(*map(_only_with, ProviderName)))

    provider: Annotated[
        ProviderName,
        Field(
            json_schema_extra=rules(
                rule("self == oldSelf", "provider is immutable: create another CloudAccount for another cloud")
            )
        ),
    ] = Field(description="The cloud: aws, azure or gcp. Exactly the block of that name must be set. Immutable.")
    aws: AwsBlock | None = Field(
        default=None, description="AWS; the account is the one the credentials belong to. Write `aws: {}`."
    )
    azure: AzureBlock | None = Field(default=None, description="Azure subscription and application.")
    gcp: GcpBlock | None = Field(default=None, description="Google Cloud project.")
    credentials: Credentials | None = Field(
        default=None,
        description="What to sign in with. Absent: the operator's own identity, which the administrator must have "
        "allowed for this namespace.",
    )

    @model_validator(mode="after")
    def _block_of_provider(self) -> Self:
        for name, block in zip(ProviderName, (self.aws, self.azure, self.gcp), strict=True):
            if (block is not None) != (name is self.provider):
                raise ValueError(f"{name.value} must be set if, and only if, provider is {name.value}")
        return self

    def to_model(self) -> AccountSpec:
        """Say it in the words of `model`."""
        secret = self.credentials.secret_ref if self.credentials else None
        return AccountSpec(provider=self._provider(), secret=secret.name if secret else None)

    def _provider(self) -> Provider:
        if self.azure is not None:
            return AzureAccount(
                tenant_id=self.azure.tenant_id.lower(),
                client_id=self.azure.client_id.lower() if self.azure.client_id else None,
                subscription_id=self.azure.subscription_id.lower(),
            )
        if self.gcp is not None:
            return GcpAccount(project=self.gcp.project)
        return AwsAccount()
