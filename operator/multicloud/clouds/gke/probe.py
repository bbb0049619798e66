"""What our identity may do on GKE. Reads are proved by making them, the write by Resource Manager's test.

Kubernetes Engine's own resources have no such test; its permissions are granted, and can be asked for, on projects.
"""

from collections.abc import Sequence
from uuid import uuid4

from multicloud.clouds.gke.compute import Compute
from multicloud.clouds.gke.container import Container
from multicloud.clouds.gke.policy import GET_CLUSTERS, GET_OPERATIONS, LIST_GROUPS, LIST_OPERATIONS, UPDATE_CLUSTERS
from multicloud.clouds.gke.projects import Projects
from multicloud.clouds.proof import by_use
from multicloud.model.error import CloudError
from multicloud.model.permission import Permission
from multicloud.model.ref import NodePoolRef


class GkeProbe:
    """The port Probe on Google Cloud."""

    def __init__(self, container: Container, compute: Compute, projects: Projects) -> None:
        """Use the account's APIs."""
        self._container = container
        self._compute = compute
        self._projects = projects

    def probe(self, pool: NodePoolRef) -> Sequence[Permission]:
        """As the port says; five calls, and one for each further page of instance groups."""
        cluster = pool.cluster
        nothing = f"projects/{cluster.owner}/locations/{cluster.location}/operations/operation-0-{uuid4()}"
        return [
            by_use(GET_CLUSTERS, lambda: self._container.node_pools(cluster))[0],
            by_use(LIST_OPERATIONS, lambda: self._container.operations(cluster.owner, cluster.location))[0],
            by_use(LIST_GROUPS, lambda: self._compute.groups(cluster.owner))[0],
            self._update(cluster.owner),
            by_use(GET_OPERATIONS, lambda: self._container.operation(nothing))[0],
        ]

    def _update(self, project: str) -> Permission:
        need = UPDATE_CLUSTERS
        try:
            granted = need.name in self._projects.granted(project, [need.name], f"testing {need.name} on {project}")
        except CloudError as error:
            # Refused here says nothing of the permission, most likely that the project has this API switched off.
            hint = "enable cloudresourcemanager.googleapis.com in the project, or let egress reach it"
            return Permission(need=need, granted=None, why=f"{error.reason.text} ({hint})")
        if granted:
            return Permission(need=need, granted=True)
        why = f"no role granted to us on project {project} has it; a role under a condition does not count here"
        return Permission(need=need, granted=False, why=why)
