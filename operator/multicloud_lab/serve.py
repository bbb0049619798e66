"""The lab as servers: every cloud's wire and the admin port, on the running loop, on free ports.

`document()` says where everything listens and what to log in with: the one line that
`python -m multicloud_lab -o json` prints.
"""

from dataclasses import dataclass
from typing import Any

from multicloud_lab import aks, clusters, eks, gke
from multicloud_lab.admin import admin_app
from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.lab import Lab, Wire
from multicloud_lab.core.listen import Listener, listen
from multicloud_lab.core.seed import Seed
from multicloud_lab.core.tls import Tls, make_tls


@dataclass(frozen=True, slots=True, kw_only=True)
class _Engines:
    """Every cloud's engine, by its own type."""

    aws: eks.EksEngine
    azure: aks.AksEngine
    gcp: gke.GkeEngine


def make_lab(seed: Seed | None = None, clock: VirtualClock | None = None) -> Lab:
    """Make a lab with all its engines and nothing that listens: for replays and for driving engines directly.

    Raises SeedError for a seed that an engine cannot use.
    """
    lab = Lab(seed, clock)
    _install(lab)
    return lab


def _install(lab: Lab) -> _Engines:
    engines = _Engines(aws=eks.EksEngine(lab), azure=aks.AksEngine(lab), gcp=gke.GkeEngine(lab))
    lab.engines.update(aws=engines.aws, azure=engines.azure, gcp=engines.gcp)
    return engines


class LabServer:
    """A lab that listens. Makes the engines and puts them into `lab.engines`."""

    def __init__(self, lab: Lab) -> None:
        """Make every cloud's engine; nothing listens before `start`. Raises SeedError."""
        self.lab = lab
        self.kubeconfig: str | None = None
        self._wires: list[Wire] = []
        self._admin: Listener | None = None
        self._tls: Tls | None = None
        self._clusters: clusters.ClustersWire | None = None
        self._engines = _install(lab)

    async def start(self) -> None:
        """Start every wire, the member clusters and the admin port on 127.0.0.1."""
        lab, engines = self.lab, self._engines
        tls = self._tls = make_tls()
        amazon = await eks.start(lab, engines.aws, tls)
        self._wires.append(amazon)
        self._wires.append(await aks.start(lab, engines.azure, tls))
        google = await gke.start(lab, engines.gcp, tls)
        self._wires.append(google)
        self._clusters = await clusters.start(
            lab,
            tls,
            sessions=engines.aws.sessions,
            entra=engines.azure.entra,
            identity=google.identity,
            sts_url=amazon.listeners["sts"].url,
        )
        lab.member_apis = self._clusters.apis
        self._admin = await listen(admin_app(lab, self._clusters.clusters))

    async def stop(self) -> None:
        """Drop held calls, stop listening, remove the certificates."""
        self.lab.gate.clear()
        for wire in self._wires:
            await wire.stop()
        self._wires.clear()
        if self._clusters is not None:
            await self._clusters.stop()
            self._clusters = None
            self.lab.member_apis = None
        if self._admin is not None:
            await self._admin.stop()
            self._admin = None
        if self._tls is not None:
            self._tls.remove()
            self._tls = None

    def document(self) -> dict[str, Any]:
        """Return where everything listens and what to log in with. Raises RuntimeError before `start`."""
        if self._admin is None or self._clusters is None:
            message = "the lab has not been started: call start() first"
            raise RuntimeError(message)
        document: dict[str, Any] = {}
        for wire in self._wires:
            document.update(wire.endpoints)
        document["credentials"] = self._credentials(document["google"]["token"])
        document["clusters"] = self._places(self._clusters)
        document["admin"] = {"url": self._admin.url}
        if self.kubeconfig is not None:
            document["kubeconfig"] = self.kubeconfig
        return document

    def _credentials(self, token_uri: str) -> dict[str, object]:
        seed = self.lab.seed
        aws, azure = seed.aws.principals[0], seed.azure.principals[0]
        return {
            "aws": {"accessKeyId": aws.access_key_id, "secretAccessKey": aws.secret_access_key},
            "azure": {
                "tenantId": azure.tenant_id,
                "clientId": azure.client_id,
                "clientSecret": azure.client_secret,
            },
            "gcp": self.lab.google_keys[0].document(token_uri),
        }

    def _places(self, wire: clusters.ClustersWire) -> list[dict[str, object]]:
        """Every cluster of the seed, and where its own API is."""
        aws, azure, gcp = self.lab.seed.aws, self.lab.seed.azure, self.lab.seed.gcp
        places = [("aws", c.account or aws.account, c.name, c.region) for c in aws.clusters]
        places += [("azure", c.subscription_id or azure.subscription_id, c.name, c.location) for c in azure.clusters]
        places += [("gcp", c.project or gcp.project, c.name, c.location) for c in gcp.clusters]
        return [
            {"cloud": cloud, "name": name, "location": location, **wire.endpoint(cloud, account, name, location)}
            for cloud, account, name, location in places
        ]
