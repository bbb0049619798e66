"""The kubeconfig that AKS hands to users of a cluster with Entra ID: it holds no credential, it names who gets one.

Form: `az aks get-credentials` (azure-cli, acs/custom.py) and https://azure.github.io/kubelogin/concepts/aks.html;
`format` is the query parameter of listClusterUserCredential.
"""

import base64

import yaml

from multicloud_lab.aks.state import Cluster
from multicloud_lab.core.members import MemberApis

SERVER_ID = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The AKS server application, the same in every tenant."""
CLIENT_ID = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
"""The AKS client application, with which people log in."""

Json = dict[str, object]


def user_credentials(cluster: Cluster, tenant_id: str, apis: MemberApis | None, form: str) -> Json:
    """Return the body of CredentialResults."""
    text = yaml.safe_dump(_kubeconfig(cluster, tenant_id, apis, form), sort_keys=False)
    value = base64.b64encode(text.encode()).decode()
    return {"kubeconfigs": [{"name": "clusterUser", "value": value}]}


def _kubeconfig(cluster: Cluster, tenant_id: str, apis: MemberApis | None, form: str) -> Json:
    where: Json = {"server": f"https://{cluster.fqdn}:443"}
    if apis is not None:
        where["server"] = apis.url_of("azure", cluster.subscription, cluster.location, cluster.name)
        where["certificate-authority-data"] = base64.b64encode(apis.ca_pem.encode()).decode()
    user = f"clusterUser_{cluster.group}_{cluster.name}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster.name, "cluster": where}],
        "contexts": [{"name": cluster.name, "context": {"cluster": cluster.name, "user": user}}],
        "current-context": cluster.name,
        "preferences": {},
        "users": [{"name": user, "user": _exec(tenant_id) if form == "exec" else _auth_provider(tenant_id)}],
    }


def _exec(tenant_id: str) -> Json:
    arguments = ["get-token", "--environment", "AzurePublicCloud", "--server-id", SERVER_ID]
    arguments += ["--client-id", CLIENT_ID, "--tenant-id", tenant_id, "--login", "devicecode"]
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "args": arguments,
            "command": "kubelogin",
            "env": None,
            "provideClusterInfo": False,
        }
    }


def _auth_provider(tenant_id: str) -> Json:
    config = {
        "apiserver-id": SERVER_ID,
        "client-id": CLIENT_ID,
        "config-mode": "1",
        "environment": "AzurePublicCloud",
        "tenant-id": tenant_id,
    }
    return {"auth-provider": {"config": config, "name": "azure"}}
