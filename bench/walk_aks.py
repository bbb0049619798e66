"""The AKS walk, with Azure's SDK alone: `python -m bench.walk_aks [FILE with the lab's document]`."""

import sys
from collections.abc import Callable
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.containerservice import ContainerServiceClient
from bench.walking import expect, run, wait_until

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
WHERE = ("shop", "shop-prod")
TO = 7


def refused(call: Callable[[], object]) -> tuple[int, str] | str:
    """Return status and code that a call is refused with, "accepted" when it is not."""
    try:
        call()
    except HttpResponseError as error:
        return error.status_code or 0, str(getattr(error.error, "code", None))
    return "accepted"


def walk(document: dict[str, Any]) -> None:
    """Refusals that change nothing, an old etag, a second resize meanwhile, the operation, the machines."""
    own, arm = document["credentials"]["azure"], document["arm"]
    credential = ClientSecretCredential(
        own["tenantId"],
        own["clientId"],
        own["clientSecret"],
        authority=arm["authority"],
        disable_instance_discovery=True,
        connection_verify=arm["caFile"],
    )
    client = ContainerServiceClient(
        credential,
        SUBSCRIPTION,
        base_url=arm["url"],
        connection_verify=arm["caFile"],
        retry_total=0,
        polling_interval=1,
    )
    pools: Any = client.agent_pools

    def put(count: int, name: str = "web", cluster: str = WHERE[1], **options: Any) -> Any:
        pool = pools.get(*WHERE, "system" if name == "system" else "web")
        pool.count = count
        return pools.begin_create_or_update(WHERE[0], cluster, name, pool, **options)

    before = pools.get(*WHERE, "web").as_dict()
    expect(refused(lambda: put(1001)), (400, "InvalidParameter"), "1001 nodes")
    expect(refused(lambda: put(0, "system")), (400, "InvalidParameter"), "a System pool without nodes")
    expect(refused(lambda: put(5, cluster="nobody")), (404, "ResourceNotFound"), "an unknown cluster")
    old: dict[str, Any] = {"etag": '"old"', "match_condition": MatchConditions.IfNotModified}
    expect(refused(lambda: put(5, **old)), (412, "PreconditionFailed"), "an etag of another time")
    same = pools.get(*WHERE, "web").as_dict() == before
    expect(same, True, "the pool after the refusals is the one before")

    poller = put(TO)
    expect(pools.get(*WHERE, "web").provisioning_state, "Scaling", "the pool meanwhile")
    expect(refused(lambda: put(TO + 1)), (409, "OperationNotAllowed"), "a second resize meanwhile")
    expect(poller.result().count, TO, "the poller's result")
    expect(pools.get(*WHERE, "web").provisioning_state, "Succeeded", "the pool afterwards")
    wait_until(lambda: len(list(client.machines.list(*WHERE, "web"))) == TO, f"{TO} machines")
    changed = pools.get(*WHERE, "web").as_dict()["properties"]["eTag"] != before["properties"]["eTag"]
    expect(changed, True, "the etag has changed")
    client.close()
    credential.close()


if __name__ == "__main__":
    sys.exit(run(walk))
