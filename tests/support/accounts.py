"""A whole operator whose namespace holds one account more, signed in one way or badly: what its status says of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from multicloud.model.port import Lane
from multicloud.model.ref import GROUP, VERSION, Kind, ObjectKey
from multicloud.settings import AzureEnvironment, Endpoint, Identities
from support.signing_in import INSTALLATION, NAME, NAMESPACE, Machine, Way
from support.world import World, settings_for


class AccountWorld:
    """A World without the usual accounts, and with the one of a way."""

    def __init__(
        self,
        machine: Machine,
        way: Way,
        *,
        ambient_namespaces: Sequence[str] = (NAMESPACE,),
        allow: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.machine = machine
        listed = {NAMESPACE: way.allow} if way.allow is not None else {}
        identities = Identities.model_validate(
            {"ambient_namespaces": ambient_namespaces, "allow": listed if allow is None else allow}
        )
        self.world = World(machine.lab, installation=INSTALLATION, identities=identities)
        clouds = settings_for(machine.lab.document).clouds
        arm = machine.lab.document["arm"]
        here = AzureEnvironment(
            arm=Endpoint(url=arm["url"], ca_file=arm["caFile"]),
            authority=Endpoint(url=arm["authority"], ca_file=arm["caFile"]),
            scope="https://management.core.windows.net/.default",
        )
        azure = clouds.azure.model_copy(update={"environments": {"Lab": here}})
        self.world.settings = self.world.settings.model_copy(
            update={"clouds": clouds.model_copy(update={"azure": azure})}
        )
        self._way = way

    async def __aenter__(self) -> Self:
        self.world.start()
        self.add(NAME, self._way)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.world.crash()

    def add(self, name: str, way: Way) -> None:
        """Apply the account of a way, and its Secret."""
        if way.given is not None:
            way.given(self.machine)
        if way.secret is not None:
            self.world.cluster.secrets[NAMESPACE, f"{name}-keys"] = way.secret(self.machine)
        credentials = {} if way.secret is None else {"credentials": {"secretRef": {"name": f"{name}-keys"}}}
        self.apply(name, {"provider": way.cloud, way.cloud: dict(way.block), **credentials})

    def apply(self, name: str, spec: Mapping[str, Any]) -> None:
        """Apply a CloudAccount."""
        self.world.apply(
            {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": str(Kind.ACCOUNT),
                "metadata": {"name": name, "namespace": NAMESPACE},
                "spec": dict(spec),
            }
        )

    async def settled(self, name: str = NAME) -> Mapping[str, Any]:
        """Let the edit come to rest and a pass end; the account's status."""
        await self.world.run_for(seconds=2)
        return self.status(name)

    def status(self, name: str = NAME) -> Mapping[str, Any]:
        key = ObjectKey(kind=Kind.ACCOUNT, namespace=NAMESPACE, name=name)
        found: Mapping[str, Any] = self.world.cluster.objects[key].get("status") or {}
        return found

    @staticmethod
    def conditions(status: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
        """Status and reason by type."""
        return {found["type"]: (found["status"], found["reason"]) for found in status["conditions"]}

    async def lane(self, name: str = NAME) -> Lane:
        account = self.world.operator.store.account(NAMESPACE, name)
        assert account is not None
        return await self.world.operator.lanes.lane(account)
