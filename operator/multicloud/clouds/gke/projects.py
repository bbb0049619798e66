"""Cloud Resource Manager, as far as `probe` needs it: which permissions we have on a project."""

from collections.abc import Collection, Sequence
from urllib.parse import quote

from multicloud.clouds.gke.errors import unreadable
from multicloud.clouds.gke.rest import Rest
from multicloud.model.reason import Code

PUBLIC_RESOURCE_MANAGER = "https://cloudresourcemanager.googleapis.com"


class Projects:
    """The one call on Resource Manager."""

    def __init__(self, rest: Rest) -> None:
        """Use the API."""
        self._rest = rest

    def granted(self, project: str, names: Sequence[str], what: str) -> Collection[str]:
        """Those of the permissions that we have on the project, which takes no permission to ask. Raises CloudError."""
        path = f"/v1/projects/{quote(project, safe='')}:testIamPermissions"
        found = self._rest.post(path, {"permissions": list(names)}, what).get("permissions", [])
        if not isinstance(found, list):
            raise unreadable(what, "Resource Manager gave an answer that is none", code=Code.UNEXPECTED)
        return frozenset(map(str, found))
