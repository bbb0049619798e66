"""Measures what an identity costs: `python -m bench.identities` prints the table of docs/accounts.md.

For every cloud a fresh process opens so many accounts, each with a login of its own, asks who it is and reads one
cluster through each; memory over what the first of them took. The lab is another process.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench.lab import Row, apart, resident_mib

from multicloud.clouds.aks import door as aks
from multicloud.clouds.eks import door as eks
from multicloud.clouds.gke import door as gke
from multicloud.model.account import AwsAccount, AzureAccount, GcpAccount
from multicloud.model.port import CloudDoor
from multicloud.model.ref import Cloud, ClusterRef
from multicloud.model.size import Detail
from multicloud.settings import AwsEndpoints, AzureEndpoints, Endpoint, GcpEndpoints
from multicloud_lab.thread import LabThread

Document = dict[str, Any]


def open_account(cloud: Cloud, document: Document, number: int) -> tuple[CloudDoor, ClusterRef]:
    """Open one account on the lab, and name a cluster that it reads."""
    known = document["credentials"][str(cloud)]
    options: dict[str, Any] = {"before_send": lambda: None, "call_timeout_s": 25}
    match cloud:
        case Cloud.AWS:
            services = {name: Endpoint(url=document[name]["url"]) for name in ("eks", "autoscaling", "sts")}
            secret = {name: known[name].encode() for name in ("accessKeyId", "secretAccessKey")}
            role = f"arn:aws:iam::111122223333:role/tenant-{number}"
            door = eks.open_door(
                AwsAccount(role_arn=role), secret, AwsEndpoints(**services), caller=f"bench/t{number}/aws", **options
            )
            return door, ClusterRef(cloud=cloud, location="us-east-1", name="shop-prod")
        case Cloud.AZURE:
            subscription = "00000000-0000-0000-0000-000000000001"
            account = AzureAccount(
                tenant_id=known["tenantId"], client_id=known["clientId"], subscription_id=subscription
            )
            arm = document["arm"]
            ca_file = Path(arm["caFile"])
            endpoints = AzureEndpoints(
                arm=Endpoint(url=arm["url"], ca_file=ca_file), authority=Endpoint(url=arm["authority"], ca_file=ca_file)
            )
            door = aks.open_door(account, {"clientSecret": known["clientSecret"].encode()}, endpoints, **options)
            return door, ClusterRef(cloud=cloud, owner=subscription, group="shop", name="shop-prod")
        case Cloud.GCP:
            project = "shop-prod-1"
            google = GcpEndpoints(
                container=Endpoint(url=f"https://{document['gke']['grpc']}", ca_file=Path(document["gke"]["caFile"])),
                compute=Endpoint(url=document["compute"]["url"]),
                token=Endpoint(url=document["google"]["token"]),
            )
            door = gke.open_door(
                GcpAccount(project=project), {"key.json": json.dumps(known).encode()}, google, **options
            )
            return door, ClusterRef(cloud=cloud, owner=project, location="europe-west1-b", name="shop-batch")


def cost(cloud: Cloud, document: Document, count: int) -> list[Row]:
    """Measure one cloud, in this process."""
    held = []
    first = 0.0
    for number in range(count + 1):
        door, cluster = open_account(cloud, document, number)
        door.identity.whoami()
        door.node_pools.list([cluster], detail=Detail.FULL)
        held.append(door)
        if number == 0:
            first = resident_mib()
    return [(f"{cloud}: each identity", f"{(resident_mib() - first) / count:.2f} MiB")]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=50)
    given = parser.parse_args()
    print(f"| {given.identities} identities a cloud | memory |\n|---|---|")
    with LabThread() as lab:
        for cloud in Cloud:
            # Its rate limits refill with its clock, and are not what is measured.
            lab.run(lambda running: setattr(running.clock, "factor", 1000.0))
            for what, measured in apart(cost, cloud, lab.document, given.identities):
                print(f"| {what} | {measured} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
