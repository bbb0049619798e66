"""Member clusters from inside: one task a cluster lists and watches its nodes and scheduled pods, with small numbers kept.

`eyes` is the port's face, `watching` the task of one cluster, `counts` the numbers, `waysin` finds credentials, `entering`
makes connections of them, `kubeconfig` judges what a tenant's Secret says, `autoscaler` reads the status of a Cluster
Autoscaler. `cordoning` is all that changes anything there, with the `marks` of what it did.
"""

from multicloud.kube.members.cordoning import Cordoning
from multicloud.kube.members.eyes import MemberEyes
from multicloud.kube.members.waysin import WaysIn

__all__ = ["Cordoning", "MemberEyes", "WaysIn"]
