"""New secrets for principals while clients are logged in: the old ones are refused from then on, issued tokens are not.

Tests turn these through `LabThread.run`. A reset keeps them, as it keeps what was issued.
"""

import secrets

from multicloud_lab.core.keys import ServiceAccountKey, new_service_account_key
from multicloud_lab.core.lab import Lab


def rotate_access_key(lab: Lab, name: str) -> str:
    """Give an IAM user's access key another secret; returns it. Raises LookupError for a user that is not seeded."""
    fresh = secrets.token_urlsafe(30)
    aws = lab.seed.aws
    _find(name, [each.name for each in aws.principals])
    changed = tuple(
        each.model_copy(update={"secret_access_key": fresh}) if each.name == name else each for each in aws.principals
    )
    lab.seed = lab.seed.model_copy(update={"aws": aws.model_copy(update={"principals": changed})})
    return fresh


def rotate_client_secret(lab: Lab, client_id: str) -> str:
    """Give an application another client secret; returns it. Raises LookupError for one that is not seeded."""
    fresh = secrets.token_urlsafe(30)
    azure = lab.seed.azure
    _find(client_id, [each.client_id for each in azure.principals])
    changed = tuple(
        each.model_copy(update={"client_secret": fresh}) if each.client_id == client_id else each
        for each in azure.principals
    )
    lab.seed = lab.seed.model_copy(update={"azure": azure.model_copy(update={"principals": changed})})
    return fresh


def rotate_service_account_key(lab: Lab, email: str) -> ServiceAccountKey:
    """Give a service account another key; returns it. Raises LookupError for one that is not seeded."""
    _find(email, [each.email for each in lab.google_keys])
    fresh = new_service_account_key(lab.seed.gcp.project, email)
    lab.google_keys = tuple(fresh if each.email == email else each for each in lab.google_keys)
    return fresh


def _find(wanted: str, known: list[str]) -> None:
    if wanted not in known:
        raise LookupError(f"{wanted} is not a principal of the seed: there are {', '.join(known)}")
