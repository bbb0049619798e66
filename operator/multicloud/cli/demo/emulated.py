"""The emulated clouds as the demo sees them: where they listen, what to log in with, and their side door.

The document is what `multicloud lab -o json` prints; the side door lets the demo play somebody else's hand and read
the journal of every cloud call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import aiohttp

from multicloud.cli.demo.failure import DemoError

HAND: Final = "hand"
_WITHIN: Final = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudWrite:
    """One accepted resize that a cloud received from the operator. `to` is in nodes of the whole node pool."""

    cloud: str
    cluster: str
    node_pool: str
    operation: str
    to: int


class EmulatedClouds:
    """The running lab. Close it with `async with`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Take the lab's document."""
        self._document = document
        self._session = aiohttp.ClientSession(base_url=document["admin"]["url"], timeout=_WITHIN)

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection to the side door."""
        await self._session.close()

    @property
    def kubeconfig(self) -> str:
        """File of the control plane's administrator."""
        return str(self._document["kubeconfig"])

    def endpoints(self) -> dict[str, Any]:
        """The setting `clouds`, spelled as in a settings file."""
        document = self._document
        ca_file = document["arm"]["caFile"]
        return {
            "aws": {name: {"url": document[name]["url"]} for name in ("eks", "autoscaling", "sts")},
            "azure": {
                "arm": {"url": document["arm"]["url"], "caFile": ca_file},
                "authority": {"url": document["arm"]["authority"], "caFile": ca_file},
            },
            "gcp": {
                "container": {"url": f"https://{document['gke']['grpc']}", "caFile": document["gke"]["caFile"]},
                "compute": {"url": document["compute"]["url"]},
                "token": {"url": document["google"]["token"]},
                "resourceManager": {"url": document["google"]["resourceManager"]},
            },
        }

    def credentials(self, provider: str) -> Mapping[str, Any]:
        """What the lab accepts for a provider: aws, azure or gcp."""
        found: Mapping[str, Any] = self._document["credentials"][provider]
        return found

    async def resize_by_hand(self, cloud: str, cluster: str, node_pool: str, to: int) -> None:
        """Change a node pool's size as somebody else would, past the operator. Raises DemoError."""
        body = {"cloud": cloud, "cluster": cluster, "nodePool": node_pool, "to": to}
        await self._ask("POST", "/hands/resize", body)

    async def writes(self) -> Sequence[CloudWrite]:
        """Every resize that the operator had accepted, in order. Raises DemoError."""
        entries = (await self._ask("GET", "/journal", None))["entries"]
        return [
            CloudWrite(
                cloud=entry["cloud"],
                cluster=entry["cluster"],
                node_pool=entry["pool"],
                operation=entry["operation"],
                to=entry["to"],
            )
            for entry in entries
            if entry["effective"] and entry["to"] is not None and entry["principal"] != HAND
        ]

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        try:
            async with self._session.request(method, path, json=body) as answer:
                decoded: Mapping[str, Any] = await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise DemoError(f"the emulated clouds do not answer: {type(error).__name__} at {path}") from error
        if "error" in decoded:
            raise DemoError(f"the emulated clouds refused {path}: {decoded['error']}")
        return decoded
