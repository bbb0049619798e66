"""The admin port's hand inside member clusters: workloads, and a Cluster Autoscaler. Forgotten by a reset."""

from typing import Self

from aiohttp import web
from pydantic import Field, model_validator

from multicloud_lab.adminbody import Body, Cloud, read
from multicloud_lab.clusters import Bounds, Clusters, Workload


class WorkloadBody(Body):
    """POST /pods: so many replicas of a pod; 0 ends them. CPU in millicores, memory in MiB."""

    cloud: Cloud
    cluster: str
    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")
    namespace: str = Field(default="default", pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    replicas: int = Field(ge=0, le=10000)
    cpu_millicores: int = Field(default=100, ge=0)
    memory_mib: int = Field(default=128, ge=0)
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerates: tuple[str, ...] = ()
    min_available: int | None = Field(default=None, ge=0)


class BoundsBody(Body):
    """What an autoscaler may do to one pool's groups, in nodes of each group."""

    min: int = Field(ge=0)
    max: int = Field(ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            message = f"min {self.min} is above max {self.max}"
            raise ValueError(message)
        return self


class AutoscalerBody(Body):
    """POST /autoscaler: a Cluster Autoscaler with these node pools; null: none."""

    cloud: Cloud
    cluster: str
    node_pools: dict[str, BoundsBody] | None


class ClusterRoutes:
    """The routes that act inside member clusters."""

    def __init__(self, clusters: Clusters) -> None:
        """Act on these."""
        self._clusters = clusters

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.post("/pods", self._pods), web.post("/autoscaler", self._autoscaler)]

    async def _pods(self, request: web.Request) -> web.Response:
        body = await read(request, WorkloadBody)
        workload = Workload(
            name=body.name,
            namespace=body.namespace,
            replicas=body.replicas,
            cpu_m=body.cpu_millicores,
            memory_mib=body.memory_mib,
            node_selector=body.node_selector,
            tolerates=frozenset(body.tolerates),
            min_available=body.min_available,
        )
        self._clusters.run_workload(body.cloud, body.cluster, workload)
        return web.json_response({})

    async def _autoscaler(self, request: web.Request) -> web.Response:
        body = await read(request, AutoscalerBody)
        bounds = None
        if body.node_pools is not None:
            bounds = {pool: Bounds(min=each.min, max=each.max) for pool, each in body.node_pools.items()}
        self._clusters.run_autoscaler(body.cloud, body.cluster, bounds)
        return web.json_response({})
