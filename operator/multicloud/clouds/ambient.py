"""Who may use the operator's own identity, and to become whom: the administrator's rule, asked before anything is sent.

`registry` asks it for every account without a Secret. An account's own credentials need no leave: whom they may become
is for the cloud to say.
"""

from collections.abc import Iterable
from typing import Final

from multicloud.model.error import refused
from multicloud.model.reason import Code
from multicloud.settings import Identities

ITSELF: Final = "ambient"
"""What a list in `identities.allow` calls the operator's own identity when it becomes nobody else."""


def admit(namespace: str, target: str | None, identities: Identities) -> None:
    """Let an account use the ambient identity, as itself (`target` None) or to become the target; raises Refused.

    A namespace with a list may use what the list says and nothing else; without a list, only the identity itself.
    """
    if namespace not in identities.ambient_namespaces:
        raise refused(
            Code.AMBIENT_IDENTITY_NOT_ALLOWED,
            f"accounts in namespace {namespace} may not use the operator's own identity: name a Secret in "
            "spec.credentials.secretRef, or let the administrator add the namespace to identities.ambientNamespaces",
        )
    wanted = target or ITSELF
    allowed = identities.allow.get(namespace, (ITSELF,))
    if not _is_listed(wanted, allowed):
        what = "be used as it is" if target is None else f"become {target}"
        raise refused(
            Code.IDENTITY_NOT_ALLOWED,
            f"in namespace {namespace} the operator's own identity may not {what}: name a Secret in "
            f"spec.credentials.secretRef, or let the administrator add {wanted} to identities.allow.{namespace}",
        )


def _is_listed(wanted: str, allowed: Iterable[str]) -> bool:
    """Compare letter by letter, apart from the case of Azure's ids: exactly, or up to a `*` at the end."""
    for entry in allowed:
        text = entry if entry.startswith("arn:") else entry.lower()
        if wanted == text or (text.endswith("*") and wanted.startswith(text[:-1])):
            return True
    return False
