"""What an administrator sets: environment, file and flags become one frozen Settings. Read by `run` and `cli` only.

Precedence, strongest first: flags, environment (`MULTICLOUD_…`, nested with `__`), the YAML file, the defaults here.
Clouds, kube and sources take the small parts of it that concern them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


def camel(name: str) -> str:
    """Spell a field as in YAML: `duration_s` is `durationSeconds`, `ca_file` is `caFile`."""
    if name.endswith("_s"):
        name = f"{name[:-2]}_seconds"
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


NamespaceName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
PositiveSeconds = Annotated[float, Field(gt=0, le=86400)]


class Endpoint(_Part):
    """Where an API answers. `ca_file` trusts a private certificate authority in place of the public ones."""

    url: str = Field(pattern=r"^https?://", description="Base URL of the API.")
    ca_file: Path | None = Field(default=None, description="PEM file with the certificate authority to trust.")


class AwsEndpoints(_Part):
    """APIs of AWS; None means the vendor's own endpoint of the region."""

    eks: Endpoint | None = Field(default=None, description="Elastic Kubernetes Service.")
    autoscaling: Endpoint | None = Field(default=None, description="EC2 Auto Scaling.")
    sts: Endpoint | None = Field(default=None, description="Security Token Service.")


class AzureEnvironment(_Part):
    """One Azure cloud that is none of the vendor's own, or one of them behind other addresses."""

    arm: Endpoint = Field(description="Azure Resource Manager.")
    authority: Endpoint = Field(description="Microsoft Entra ID (or AD FS), which issues tokens.")
    scope: str | None = Field(
        default=None,
        pattern=r"^https://[^ ]+/\.default$",
        description="Scope of ARM's tokens; absent: the URL of arm with /.default.",
    )


EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$", max_length=63)]


class AzureEndpoints(_Part):
    """APIs of Azure; None means the public cloud."""

    arm: Endpoint | None = Field(default=None, description="Azure Resource Manager.")
    authority: Endpoint | None = Field(default=None, description="Microsoft Entra ID, which issues tokens.")
    environments: Mapping[EnvironmentName, AzureEnvironment] = Field(
        default={}, description="Sets of endpoints that spec.azure.environment may name, by name."
    )


class GcpEndpoints(_Part):
    """APIs of Google Cloud; None means the public ones."""

    container: Endpoint | None = Field(default=None, description="Kubernetes Engine over gRPC; https.")
    compute: Endpoint | None = Field(default=None, description="Compute Engine, read over REST.")
    token: Endpoint | None = Field(default=None, description="The only token endpoint that keys may name.")
    resource_manager: Endpoint | None = Field(
        default=None, description="Cloud Resource Manager, which `multicloud check` asks for our permissions."
    )
    iamcredentials: Endpoint | None = Field(default=None, description="IAM Credentials, for impersonation.")


class Clouds(_Part):
    """Endpoint sets by cloud."""

    aws: AwsEndpoints = AwsEndpoints()
    azure: AzureEndpoints = AzureEndpoints()
    gcp: GcpEndpoints = GcpEndpoints()


class Lease(_Part):
    """Leader election. A new leader writes nothing before renewTime + duration + takeover margin after a death."""

    name: str = Field(default="multicloud-operator", description="Name of the Lease in the operator's namespace.")
    duration_s: PositiveSeconds = Field(default=15, description="How long a renewal is valid.")
    renew_deadline_s: PositiveSeconds = Field(
        default=10, description="Leadership is given up after this long without a renewal."
    )
    retry_s: PositiveSeconds = Field(default=2, description="Time between renewals or attempts to acquire.")
    send_budget_s: PositiveSeconds = Field(
        default=5, description="Lease that must be left before a cloud write starts: longest way of its bytes out."
    )
    takeover_margin_s: float = Field(default=5, ge=0, le=600, description="Extra silence after another leader's death.")


class Http(_Part):
    """Where `/healthz`, `/readyz` and `/metrics` answer. Port 0 takes a free one and logs it."""

    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104 - probes come from the node
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on.")


class Observe(_Part):
    """How often clouds are read."""

    interval_s: PositiveSeconds = Field(default=60, description="Sizes of every node pool at rest.")
    describe_s: PositiveSeconds = Field(default=900, description="Full descriptions (status, ranges) at rest.")
    busy_min_s: PositiveSeconds = Field(default=5, description="First look while an operation runs.")
    busy_max_s: PositiveSeconds = Field(default=30, description="Slowest look while an operation runs.")
    quiet_s: PositiveSeconds = Field(
        default=600, description="After somebody else's operation: the size that it left is not judged yet."
    )


class Guard(_Part):
    """The fleet-wide brake: nodes per ten minutes, over all pools and per account, whichever of both is larger."""

    max_removed_percent: float = Field(default=10, ge=0, le=100, description="Removals, percent of observed nodes.")
    max_removed_nodes: int = Field(default=20, ge=0, description="Removals that are always allowed.")
    max_added_percent: float = Field(default=100, ge=0, le=1000, description="Additions, percent of observed nodes.")
    max_added_nodes: int = Field(default=200, ge=0, description="Additions that are always allowed.")


Target = Annotated[str, Field(pattern=r"^([^\s*]+\*?|\*)$", max_length=600)]
"""A role's ARN, `client id@tenant id`, a service account's e-mail or `ambient`; `*` at the end stands for any rest."""


class Identities(_Part):
    """Who may use the operator's own identity, and to become whom."""

    ambient_namespaces: tuple[NamespaceName, ...] = Field(
        default=(), description="Namespaces whose accounts may omit credentials."
    )
    allow: Mapping[NamespaceName, tuple[Target, ...]] = Field(
        default={},
        description="What the operator's own identity may become for accounts of a namespace, by namespace: ARNs of roles, "
        "`client id@tenant id`, e-mails of service accounts, `ambient` for itself; `*` at the end stands for any rest. A "
        "namespace without a list: itself only.",
    )


HostPattern = Annotated[str, Field(pattern=r"^(\*\.)?[a-z0-9:]([-a-z0-9.:]*[a-z0-9:])?$", max_length=253)]


class MemberClusters(_Part):
    """Looking into the clusters of members through their own Kubernetes APIs."""

    look: bool = Field(
        default=True, description="Watch nodes and pods of members' clusters where they let us; false: never ask them."
    )
    kubeconfig_hosts: tuple[HostPattern, ...] = Field(
        default=(),
        description="Hosts that kubeconfigs of tenants may name, in small letters; *.example.com allows all below it.",
    )


SourceName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
SourceNamespace = Annotated[str, Field(pattern=r"^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$", max_length=63)]


class BasicLogin(_Part):
    """A user's name, and the file with the password."""

    username: str = Field(min_length=1, max_length=256, pattern=r"^[^:]*$", description="Name of the user.")
    password_file: Path = Field(description="File with the password, read anew for every question.")


class Prometheus(_Part):
    """One Prometheus, or whatever speaks its query API. Redirects are not followed."""

    url: str = Field(pattern=r"^https?://", description="Base URL; /api/v1/query is added to it.")
    ca_file: Path | None = Field(default=None, description="PEM file with the certificate authority to trust.")
    bearer_token_file: Path | None = Field(
        default=None, description="File with a bearer token, read anew for every question."
    )
    basic: BasicLogin | None = Field(default=None, description="Name and password, where there is no bearer token.")
    namespaces: tuple[SourceNamespace, ...] = Field(
        default=(), description="Namespaces whose policies may name it; `*` for every one. Empty: nobody may."
    )
    timeout_s: float = Field(default=10, gt=0, le=60, description="Longest wait for an answer.")
    stale_s: PositiveSeconds = Field(default=120, description="An answer that is about an earlier time is refused.")

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.bearer_token_file is not None and self.basic is not None:
            raise ValueError("bearerTokenFile and basic exclude each other")
        return self


class Metrics(_Part):
    """Where scaling policies may read their metrics."""

    prometheus: Mapping[SourceName, Prometheus] = Field(
        default={}, description="Prometheus servers that policies may query, by name."
    )


class Recordings(_Part):
    """Decisions kept as files, each with all that it was made of: without secrets and without the names that clouds use."""

    directory: Path | None = Field(
        default=None, description="Directory for the files, made where it is missing; absent: none."
    )
    changes: bool = Field(
        default=False,
        description="Record every decision that changes a wish or asks a cloud for a size; false: only the next one of an "
        "object whose annotation multicloud.dev/record-decision is new.",
    )
    max_files: int = Field(default=100, ge=1, le=100_000, description="The oldest file goes when there are more.")
    max_megabytes: int = Field(default=50, ge=1, le=10_000, description="And when together they are larger.")


class Settings(BaseSettings):
    """Everything an administrator can set."""

    model_config = SettingsConfigDict(env_prefix="MULTICLOUD_", env_nested_delimiter="__", frozen=True, extra="forbid")

    kubeconfig: Path | None = Field(
        default=None, description="Kubeconfig file; absent: in-cluster, then the usual places."
    )
    context: str | None = Field(default=None, description="Context of the kubeconfig.")
    namespace: NamespaceName = Field(
        default="multicloud-system", description="The operator's own namespace: Lease and stop switch."
    )
    installation: str = Field(
        default="multicloud",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$",
        description="Name of this operator among all that share a cloud identity: first part of every external id. "
        "Changing it makes every role refuse us until its trust policy says so too.",
    )
    watch_namespaces: tuple[NamespaceName, ...] = Field(default=(), description="Namespaces to serve; empty means all.")
    identity: str | None = Field(
        default=None, description="Name of this replica in the Lease; absent: host name and a random part."
    )
    settle_s: float = Field(default=1, ge=0, le=60, description="Quiet time of an edit before it is acted on.")
    settle_max_s: float = Field(default=5, ge=0, le=300, description="Longest time an edit waits for quiet.")
    sweep_s: PositiveSeconds = Field(default=600, description="Full list of all objects, against swallowed deletions.")
    stop_poll_s: PositiveSeconds = Field(default=2, description="How often the stop switch is read.")
    call_timeout_s: PositiveSeconds = Field(default=25, description="Deadline of one cloud call.")
    workers: int = Field(default=16, ge=1, le=256, description="Passes that may run at once.")
    lease: Lease = Lease()
    http: Http = Http()
    observe: Observe = Observe()
    guard: Guard = Guard()
    identities: Identities = Identities()
    member_clusters: MemberClusters = MemberClusters()
    metrics: Metrics = Metrics()
    recordings: Recordings = Recordings()
    clouds: Clouds = Clouds()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment above the file, whose values arrive as constructor arguments."""
        return env_settings, init_settings


class SettingsError(Exception):
    """A settings file or variable is wrong; the message says where and what is allowed."""


def load(file: Path | None, flags: Mapping[str, object]) -> Settings:
    """Read the YAML file (if any), the environment above it and top-level flags (fields by name, None: not given).

    Raises SettingsError with one line per mistake.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            read = yaml.safe_load(file.read_text())
        except (OSError, yaml.YAMLError) as error:
            raise SettingsError(f"{file}: {error}") from error
        if not isinstance(read, dict | None):
            raise SettingsError(f"{file}: expected a mapping of settings, not {type(read).__name__}")
        values = _as_fields(Settings, read or {}, "", file)
    try:
        settings = Settings(**values)
        return settings.model_copy(update={name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        lines = [
            f"{file or 'environment'}: {'.'.join(camel(str(part)) for part in found['loc'])}: {found['msg']}"
            for found in error.errors(include_input=False)
        ]
        raise SettingsError("\n".join(lines)) from None


def _as_fields(part: type[BaseModel], values: Mapping[str, Any], path: str, file: Path) -> dict[str, Any]:
    """Turn the file's spelling into field names, so that file and environment meet in one tree."""
    names = {camel(name): name for name in part.model_fields}
    fields: dict[str, Any] = {}
    for key, value in values.items():
        if key not in names:
            raise SettingsError(f"{file}: {path}{key}: no such setting; allowed here: {', '.join(sorted(names))}")
        kind = part.model_fields[names[key]].annotation
        kinds = [found for found in (kind, *get_args(kind)) if isinstance(found, type) and issubclass(found, BaseModel)]
        if not kinds or not isinstance(value, Mapping):
            fields[names[key]] = value
        elif get_origin(kind) is Mapping:  # names of the administrator's own, each with a block
            fields[names[key]] = {
                name: _as_fields(kinds[0], block, f"{path}{key}.{name}.", file) if isinstance(block, Mapping) else block
                for name, block in value.items()
            }
        else:
            fields[names[key]] = _as_fields(kinds[0], value, f"{path}{key}.", file)
    return fields
