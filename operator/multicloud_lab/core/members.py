"""Where the clusters' own Kubernetes APIs answer, for the clouds' answers that name them.

`serve` puts it into the lab once the member clusters listen; without it an engine tells vendor-like invented names.
"""

from dataclasses import dataclass
from urllib.parse import quote


def member_path(cloud: str, account: str, location: str, cluster: str) -> str:
    """Return where a cluster's API starts on the listener of all member clusters."""
    return "/" + "/".join(quote(part, safe="") for part in (cloud, account, location, cluster))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberApis:
    """The listener of all member clusters; `ca_pem` is the authority of its certificate."""

    url: str
    ca_pem: str

    def url_of(self, cloud: str, account: str, location: str, cluster: str) -> str:
        """Return the base URL of one cluster's API."""
        return f"{self.url}{member_path(cloud, account, location, cluster)}"
