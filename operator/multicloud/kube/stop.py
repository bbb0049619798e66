"""The stop switch: ConfigMap `multicloud-stop` in the operator's namespace. Its existence stops every cloud write."""

from typing import Final

from multicloud.kube.client import KubeClient, KubeError
from multicloud.model.plan import Stop

STOP_NAME: Final = "multicloud-stop"


class KubeStop:
    """Reads and (for the command line) writes the switch."""

    def __init__(self, kube: KubeClient, *, namespace: str) -> None:
        """`namespace` is the operator's own."""
        self._kube = kube
        self._collection = f"/api/v1/namespaces/{namespace}/configmaps"

    async def read(self) -> Stop:
        """What is forbidden now. Anything but the exact word `true` under `shrinkOnly` stops all. Raises KubeError."""
        try:
            answer = await self._kube.call("GET", f"{self._collection}/{STOP_NAME}", timeout_s=3)
        except KubeError as error:
            if error.gone:
                return Stop.NONE
            raise
        return Stop.SHRINK_ONLY if (answer.get("data") or {}).get("shrinkOnly") == "true" else Stop.ALL

    async def stop(self, *, shrink_only: bool) -> None:
        """Create or replace the switch. Raises KubeError."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": STOP_NAME},
            "data": {"shrinkOnly": "true" if shrink_only else "false"},
        }
        try:
            await self._kube.call("POST", self._collection, body=body)
        except KubeError as error:
            if not error.conflict:
                raise
            await self._kube.call("PUT", f"{self._collection}/{STOP_NAME}", body=body)

    async def start(self) -> bool:
        """Remove the switch; False when there was none. Raises KubeError."""
        try:
            await self._kube.call("DELETE", f"{self._collection}/{STOP_NAME}")
        except KubeError as error:
            if error.gone:
                return False
            raise
        return True
