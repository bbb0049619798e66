"""The lab as servers: every cloud's wire and the admin port, on the running loop, on free ports.

`document()` says where everything listens and what to log in with: the one line that
`python -m multicloud_lab -o json` prints.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from multicloud_lab import aks, eks, gke
from multicloud_lab.admin import admin_app
from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.lab import Lab, Wire
from multicloud_lab.core.listen import Listener, listen
from multicloud_lab.core.seed import Seed
from multicloud_lab.core.tls import Tls, make_tls

Starter = Callable[[Tls], Awaitable[Wire]]


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
        engines = _install(lab)
        self._starters: tuple[Starter, ...] = (
            lambda tls: eks.start(lab, engines.aws, tls),
            lambda tls: aks.start(lab, engines.azure, tls),
            lambda tls: gke.start(lab, engines.gcp, tls),
        )

    async def start(self) -> None:
        """Start every wire and the admin port on 127.0.0.1."""
        self._tls = make_tls()
        for starter in self._starters:
            self._wires.append(await starter(self._tls))
        self._admin = await listen(admin_app(self.lab))

    async def stop(self) -> None:
        """Drop held calls, stop listening, remove the certificates."""
        self.lab.gate.clear()
        for wire in self._wires:
            await wire.stop()
        self._wires.clear()
        if self._admin is not None:
            await self._admin.stop()
            self._admin = None
        if self._tls is not None:
            self._tls.remove()
            self._tls = None

    def document(self) -> dict[str, Any]:
        """Return where everything listens and what to log in with. Raises RuntimeError before `start`."""
        if self._admin is None:
            message = "the lab has not been started: call start() first"
            raise RuntimeError(message)
        document: dict[str, Any] = {}
        for wire in self._wires:
            document.update(wire.endpoints)
        document["credentials"] = self._credentials(document["google"]["token"])
        document["clusters"] = self._clusters()
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

    def _clusters(self) -> list[dict[str, object]]:
        """Member clusters' own APIs are not served: their url is null."""
        seed = self.lab.seed
        places = [("aws", c.name, c.region) for c in seed.aws.clusters]
        places += [("azure", c.name, c.location) for c in seed.azure.clusters]
        places += [("gcp", c.name, c.location) for c in seed.gcp.clusters]
        return [
            {"cloud": cloud, "name": name, "location": location, "url": None, "caFile": None}
            for cloud, name, location in places
        ]
