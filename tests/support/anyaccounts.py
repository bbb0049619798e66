"""Accounts beside those that sign in: any spec of CloudAccount, most of the time with values that the lab knows.

What signs in nowhere leaves this machine: endpoints are settings, and no namespace may use the machine's own identity.
"""

from collections.abc import Mapping

from hypothesis import strategies as st

from multicloud.kinds.parse import InvalidSpec, account_spec
from multicloud_lab.core.seed import AwsSeed, AzureSeed, GcpSeed
from support.anynotes import account_notes
from support.anyobjects import Json, Narrowed, Texts, broken, kind_named, object_of, specs
from support.world import NAMESPACE, World

ACCOUNT = kind_named("CloudAccount")
SPARE = 2
"""Accounts of each cloud that are edited."""
_AZURE, _GCP = AzureSeed(), GcpSeed()
_STRANGER = "99999999-9999-9999-9999-999999999999"
_TEXTS: Texts = {
    "roleArn": (f"arn:aws:iam::{AwsSeed().account}:role/team/pools", "arn:aws:iam::999999999999:role/of/strangers"),
    "externalId": ("their/own:id",),
    "tenantId": (_AZURE.principals[0].tenant_id, _STRANGER),
    "clientId": (_AZURE.principals[0].client_id, _STRANGER),
    "subscriptionId": (_AZURE.subscription_id, _STRANGER),
    "environment": ("Nowhere",),
    "project": (_GCP.project, "of-strangers-1"),
    "impersonate": (_GCP.principals[0].email, f"nobody@{_GCP.project}.iam.gserviceaccount.com"),
}
WRONG_SECRETS: Mapping[str, Mapping[str, bytes]] = {
    "garbled": {"what": b"is this"},
    "wrong": {
        "accessKeyId": b"AKIAWRONG",
        "secretAccessKey": b"wrong",
        "clientSecret": b"wrong",
        "key.json": b'{"type": "service_account"}',
    },
}
"""By name; one that is called `missing` does not exist."""


def is_account_taken(draft: Json) -> bool:
    """True when the API server would take the account."""
    try:
        account_spec(object_of(ACCOUNT, "any", {name: value for name, value in draft.items() if "/" not in name}))
    except InvalidSpec:
        return False
    return True


@st.composite
def accounts(draw: st.DrawFn, cloud: str) -> Json:
    """A spec with its annotations; one in ten is left behind by a definition that took what ours refuses."""
    texts = {**_TEXTS, "provider": (cloud,), "name": (f"{cloud}-keys", *sorted(WRONG_SECRETS), "missing")}
    tried = Narrowed(texts=texts)
    if draw(st.integers(0, 9)) == 0:
        spec, _ = draw(broken(ACCOUNT, tried))
    else:
        spec = draw(specs(ACCOUNT, tried).filter(is_account_taken))
    return {**spec, **draw(account_notes())}


def given_secrets(world: World) -> None:
    """The Secrets that no cloud accepts."""
    world.cluster.secrets.update({(NAMESPACE, name): dict(held) for name, held in WRONG_SECRETS.items()})
