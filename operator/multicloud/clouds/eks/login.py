"""Sessions of one AWS identity: keys from a Secret, or the operator's own (IRSA, Pod Identity, the vendor's chain).

On top of either a role may be assumed. `door` makes a Login; `clients` takes its sessions and makes its clients of
them. botocore finds and renews credentials while it signs a request, so a failed login is an error before a byte of the
request itself has left.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    AssumeRoleWithWebIdentityCredentialFetcher,
    AssumeRoleWithWebIdentityProvider,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
    create_credential_resolver,
)
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.loaders import Loader
from botocore.utils import FileWebIdentityTokenLoader

from multicloud.clouds.keys import read_line
from multicloud.model.error import refused
from multicloud.model.reason import Code
from multicloud.settings import Endpoint

ACCESS_KEY_ID: Final = "accessKeyId"
SECRET_ACCESS_KEY: Final = "secretAccessKey"  # noqa: S105 - the documented name of the key, not a secret
SESSION_TOKEN: Final = "sessionToken"  # noqa: S105 - as above
_MEANING: Final = "of an IAM user's access key"

HOMES: Final[Mapping[str, str]] = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
}
"""Where STS is asked if the environment names no region (AWS_REGION) of the role's partition: any of its regions answers."""

_LOADER: Final = Loader()
"""AWS's descriptions of its APIs, shared by all sessions: 10 MiB each otherwise."""

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_+=,.@-]")
_LONGEST_NAME: Final = 64

_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
_DATED: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_DATE_WORDS: Final = ("Signature expired", "Signature not yet current")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """An access key from a Secret; `token` belongs to keys that expire."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The role to assume. AWS's own log shows the name of the session; the trust policy asks for the external id."""

    arn: str
    external_id: str


def read_keys(secret: Mapping[str, bytes]) -> Keys:
    """Read a Secret. Raises Refused for one that lacks what the login needs."""
    return Keys(
        access_key_id=_text(secret, ACCESS_KEY_ID),
        secret=_text(secret, SECRET_ACCESS_KEY),
        token=_text(secret, SESSION_TOKEN) if SESSION_TOKEN in secret else None,
    )


def session_name(caller: str) -> str:
    """What AWS's log calls a session that was opened for `caller`: its letters, shortened with a mark where too long."""
    name = _NOT_IN_A_NAME.sub("@", caller)
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}@{sha256(caller.encode()).hexdigest()[:8]}"


class Login:
    """Makes sessions of one identity. Each begins without credentials and gets them at its first request."""

    def __init__(
        self, keys: Keys | None, role: Role | None, sts: Endpoint | None, config: Config, *, name: str
    ) -> None:
        """`keys` None is the operator's own identity; `config` holds for the calls to STS, `name` for its sessions."""
        self._keys = keys
        self._role = role
        self._sts = sts
        self._config = config
        self._name = name

    def session(self) -> Any:
        """Make a boto3 Session with a life of its own: nothing of an earlier one is in it."""
        core = _core()
        if self._keys is not None:
            core.set_credentials(self._keys.access_key_id, self._keys.secret, self._keys.token)
        else:
            core.register_component("credential_provider", self._ambient(core))
        if self._role is None:
            return boto3.Session(botocore_session=core)
        assumed = _core()
        credentials = DeferredRefreshableCredentials(lambda: self._assume(core, self.role), "assume-role")
        assumed.register_component("credential_provider", CredentialResolver([_Given(credentials)]))
        return boto3.Session(botocore_session=assumed)

    @property
    def role(self) -> Role:
        """The role. Only where there is one."""
        assert self._role is not None  # sessions without a role do not ask
        return self._role

    def renews(self, error: ClientError) -> bool:
        """True where a new session mends what AWS refused: what it refused was a session's, and not the Secret's."""
        if error.operation_name == "AssumeRoleWithWebIdentity":
            return False
        return self._keys is None or (self._role is not None and error.operation_name != "AssumeRole")

    def home(self, region: str | None) -> str:
        """Where STS is asked; `region` is what the environment names, taken if it is in the role's partition."""
        partition = "aws" if self._role is None else self._role.arn.split(":")[1]
        if region is not None and (self._role is None or _partition(region) == partition):
            return region
        return HOMES.get(partition, HOMES["aws"])

    def _ambient(self, core: Any) -> CredentialResolver:
        """The vendor's chain, whose login with a web identity (IRSA) goes to the administrator's STS, under our name."""
        resolver = create_credential_resolver(core)
        token_file, arn = os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"), os.environ.get("AWS_ROLE_ARN")
        if token_file and arn:
            fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
                lambda service, config: self._make_sts(core, service, config=config),
                FileWebIdentityTokenLoader(token_file),
                arn,
                extra_args={"RoleSessionName": os.environ.get("AWS_ROLE_SESSION_NAME") or self._name},
            )
            web = DeferredRefreshableCredentials(fetcher.fetch_credentials, AssumeRoleWithWebIdentityProvider.METHOD)
            resolver.insert_before(AssumeRoleWithWebIdentityProvider.METHOD, _Given(web))
        return resolver

    def _assume(self, core: Any, role: Role) -> Any:
        source = core.get_credentials()
        if source is None:
            raise NoCredentialsError
        arguments = {"ExternalId": role.external_id, "RoleSessionName": self._name}
        fetcher = AssumeRoleCredentialFetcher(
            lambda service, **keys: self._make_sts(core, service, **keys), source, role.arn, extra_args=arguments
        )
        return fetcher.fetch_credentials()

    def _make_sts(self, core: Any, service: str, *, config: Config | None = None, **keys: Any) -> Any:
        return core.create_client(
            service,
            region_name=self.home(core.get_config_variable("region")),
            endpoint_url=None if self._sts is None else self._sts.url,
            verify=None if self._sts is None or self._sts.ca_file is None else str(self._sts.ca_file),
            config=self._config if config is None else self._config.merge(config),
            **keys,
        )


def is_expired(error: ClientError) -> bool:
    """True where AWS refuses temporary credentials because they have run out."""
    return _code(error) in _EXPIRED


def is_date_refused(error: Exception) -> bool:
    """True where AWS refuses the date of a signature, or new credentials are past their end at once: a clock is off."""
    if isinstance(error, ClientError):
        words = str((error.response.get("Error") or {}).get("Message") or "")
        return _code(error) in _DATED or words.startswith(_DATE_WORDS)
    return isinstance(error, RuntimeError) and "still expired" in str(error)


def _code(error: ClientError) -> str:
    return str((error.response.get("Error") or {}).get("Code") or "")


class _Given(CredentialProvider):  # type: ignore[misc]  # botocore ships without types
    """A provider of credentials that are there already."""

    METHOD = "given"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        return self._credentials


def _core() -> Any:
    core = botocore.session.Session()
    core.register_component("data_loader", _LOADER)
    return core


def _partition(region: str) -> str | None:
    try:
        return str(_core().get_partition_for_region(region))
    except BotoCoreError:
        return None


def _text(secret: Mapping[str, bytes], name: str) -> str:
    value = read_line(secret, name, _MEANING)
    # It becomes a part of a request's headers.
    if not value.isascii() or " " in value:
        raise refused(Code.SECRET_INVALID, f"the Secret's key {name} holds what no AWS key does")
    return value
