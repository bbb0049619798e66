"""The listener of all member clusters: TLS with the lab's certificate, one base URL for each cluster.

`Clusters` is also the hand of whoever drives the lab: workloads and a Cluster Autoscaler in a cluster.
"""

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from multicloud_lab.aks.entra import Entra
from multicloud_lab.clusters.api import Api
from multicloud_lab.clusters.autoscaler import Bounds
from multicloud_lab.clusters.awstoken import AwsTokens
from multicloud_lab.clusters.cluster import Cluster
from multicloud_lab.clusters.credentials import Credentials
from multicloud_lab.clusters.place import Fleet, Place
from multicloud_lab.clusters.pods import Workload
from multicloud_lab.clusters.versions import git_version
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import Listener, listen
from multicloud_lab.core.members import MemberApis
from multicloud_lab.core.tls import Tls
from multicloud_lab.eks.sessions import Sessions
from multicloud_lab.gke.tokens import Identity


class Clusters:
    """Every member cluster, made when it is first asked for. Touched only on the lab's loop."""

    def __init__(self, lab: Lab) -> None:
        """Serve the lab's clusters; a reset of the lab forgets what was done inside them."""
        self._lab = lab
        self._fleet = Fleet(lab)
        self._clusters: dict[Place, Cluster] = {}
        lab.on_reset.append(self._forget)

    def find(self, place: Place) -> Cluster | None:
        """Return the cluster of a place, or None when there is none."""
        if not self._fleet.knows(place):
            return None
        if place not in self._clusters:
            version = git_version(self._lab.seed, place)
            self._clusters[place] = Cluster(place, self._fleet, self._lab.clock, version)
        return self._clusters[place]

    def run_workload(self, cloud: str, cluster: str, workload: Workload) -> None:
        """Run a workload in a cluster (0 replicas: end it). Raises ValueError for a cluster that is not known."""
        self._named(cloud, cluster).run_workload(workload)

    def run_autoscaler(self, cloud: str, cluster: str, bounds: Mapping[str, Bounds] | None) -> None:
        """Run a Cluster Autoscaler with these bounds by node pool, or none. Raises ValueError as above."""
        self._named(cloud, cluster).run_autoscaler(bounds)

    def _named(self, cloud: str, cluster: str) -> Cluster:
        places = self._fleet.find(cloud, cluster)
        if len(places) != 1:
            what = "no cluster" if not places else f"{len(places)} clusters"
            message = f"{cloud} has {what} called {cluster!r}: it must be the name of one"
            raise ValueError(message)
        found = self.find(places[0])
        assert found is not None
        return found

    def _forget(self) -> None:
        self._fleet.forget()
        for cluster in self._clusters.values():
            cluster.forget()


class ClustersWire:
    """The listener, and the clusters behind it."""

    def __init__(self, clusters: Clusters, api: Api, listener: Listener, ca_file: str) -> None:
        """Know where it listens."""
        self.clusters = clusters
        self._api = api
        self._listener = listener
        self._ca_file = ca_file

    def endpoint(self, cloud: str, account: str, cluster: str, location: str) -> dict[str, str]:
        """Return a cluster's entry of the lab's document: its base URL, and the authority of its certificate."""
        place = Place(cloud=cloud, account=account, location=location, cluster=cluster)
        return {"url": f"{self._listener.url}{place.path}", "caFile": self._ca_file}

    @property
    def apis(self) -> MemberApis:
        """Where they answer, for the clouds' own answers."""
        return MemberApis(url=self._listener.url, ca_pem=Path(self._ca_file).read_text(encoding="ascii"))

    async def stop(self) -> None:
        """Stop listening; watches end."""
        self._api.close()
        await self._listener.stop()


async def start(
    lab: Lab, tls: Tls, *, sessions: Sessions, entra: Entra, identity: Identity, sts_url: str
) -> ClustersWire:
    """Serve every member cluster on one free port of 127.0.0.1.

    Tokens are vouched for by the clouds' own issuers: AWS' `sessions` and STS, `entra`, Google's `identity`.
    """
    clusters = Clusters(lab)
    aws = AwsTokens(lambda: lab.seed.aws, sessions, sts_url)
    api = Api(lab, clusters.find, Credentials(aws=aws, entra=entra, identity=identity))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.handle)
    return ClustersWire(clusters, api, await listen(app, tls.server_context()), str(tls.ca_file))
