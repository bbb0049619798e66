"""CloudAccount as manifests spell it: one identity in one cloud. Read by `parse`, turned into a schema by `crd`."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from multicloud.kinds.shape import (
    EnvironmentName,
    ExternalId,
    GcpProject,
    Guid,
    ObjectName,
    Part,
    RoleArn,
    ServiceAccount,
    rule,
    rules,
)
from multicloud.model.account import AccountSpec, AwsAccount, AzureAccount, GcpAccount, Provider
from multicloud.model.ref import Cloud


class ProviderName(StrEnum):
    """A provider, by the name of the block that describes it."""

    AWS = Cloud.AWS.value
    AZURE = Cloud.AZURE.value
    GCP = Cloud.GCP.value


_ROLE_FIRST = "externalId needs roleArn: it is what the role's trust policy asks for"
_OWN_ID_NEEDS_OWN_KEYS = (
    "externalId is allowed only together with credentials: with the operator's own identity it is always "
    "<installation>/<namespace>/<name>"
)
_KEY_BELONGS_TO_A_CLIENT = "azure.clientId is required beside credentials: what the Secret holds belongs to it"


class AwsBlock(Part):
    """An AWS account, told by the credentials, or by the role that they assume."""

    model_config = ConfigDict(
        json_schema_extra=rules(rule("!has(self.externalId) || has(self.roleArn)", _ROLE_FIRST, field=".externalId"))
    )

    role_arn: RoleArn | None = Field(
        default=None,
        description="IAM role to assume with the credentials, or with the operator's own identity where the "
        "administrator allowed this role for the namespace. Its trust policy must ask for the external id that status "
        "shows.",
    )
    external_id: ExternalId | None = Field(
        default=None,
        description="External id to send when the role is assumed; only together with credentials. Absent: "
        "`<installation>/<namespace>/<name>`.",
    )

    @model_validator(mode="after")
    def _role_first(self) -> Self:
        if self.external_id is not None and self.role_arn is None:
            raise ValueError(_ROLE_FIRST)
        return self


class AzureBlock(Part):
    """An Azure subscription, seen by one application."""

    tenant_id: Guid = Field(description="Directory (tenant) that the application signs in to, a GUID.")
    client_id: Guid | None = Field(
        default=None,
        description="Application (client) id to sign in as, a GUID. Absent: that of the operator's own identity.",
    )
    subscription_id: Guid = Field(description="Subscription whose clusters this account reaches by default, a GUID.")
    environment: EnvironmentName | None = Field(
        default=None,
        description="Azure cloud, by the name of a set of endpoints: AzureCloud, AzureUSGovernment, AzureChinaCloud, or "
        "one of the administrator's settings. Absent: the administrator's default, the public cloud.",
    )


class GcpBlock(Part):
    """A Google Cloud project."""

    project: GcpProject = Field(
        description="Project id (not its number) whose clusters this account reaches by default."
    )
    impersonate: ServiceAccount | None = Field(
        default=None,
        description="E-mail of the service account to act as, with the credentials, or with the operator's own identity "
        "where the administrator allowed this service account for the namespace.",
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

    model_config = ConfigDict(
        json_schema_extra=rules(
            *map(_only_with, ProviderName),
            rule(
                "!(has(self.aws) && has(self.aws.externalId)) || "
                "(has(self.credentials) && has(self.credentials.secretRef))",
                _OWN_ID_NEEDS_OWN_KEYS,
                field=".aws.externalId",
            ),
            rule(
                "!(has(self.azure) && has(self.credentials) && has(self.credentials.secretRef)) || "
                "has(self.azure.clientId)",
                _KEY_BELONGS_TO_A_CLIENT,
                field=".azure.clientId",
            ),
        )
    )

    provider: Annotated[
        ProviderName,
        Field(
            json_schema_extra=rules(
                rule("self == oldSelf", "provider is immutable: create another CloudAccount for another cloud")
            )
        ),
    ] = Field(description="The cloud: aws, azure or gcp. Exactly the block of that name must be set. Immutable.")
    aws: AwsBlock | None = Field(
        default=None,
        description="AWS; the account is the one that the role, or else the credentials, belong to. May be empty: `aws: {}`.",
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

    @model_validator(mode="after")
    def _keys_and_whose(self) -> Self:
        if self.aws is not None and self.aws.external_id is not None and self._secret is None:
            raise ValueError(_OWN_ID_NEEDS_OWN_KEYS)
        if self.azure is not None and self.azure.client_id is None and self._secret is not None:
            raise ValueError(_KEY_BELONGS_TO_A_CLIENT)
        return self

    @property
    def _secret(self) -> str | None:
        reference = self.credentials.secret_ref if self.credentials else None
        return reference.name if reference else None

    def to_model(self) -> AccountSpec:
        """Say it in the words of `model`."""
        return AccountSpec(provider=self._provider(), secret=self._secret)

    def _provider(self) -> Provider:
        if self.azure is not None:
            return AzureAccount(
                tenant_id=self.azure.tenant_id.lower(),
                client_id=self.azure.client_id.lower() if self.azure.client_id else None,
                subscription_id=self.azure.subscription_id.lower(),
                environment=self.azure.environment,
            )
        if self.gcp is not None:
            return GcpAccount(project=self.gcp.project, impersonate=self.gcp.impersonate)
        assert self.aws is not None  # `_block_of_provider` saw to it
        return AwsAccount(role_arn=self.aws.role_arn, external_id=self.aws.external_id)
