"""Member clusters from inside: one task a cluster lists and watches its nodes and scheduled pods, with small numbers kept.

`eyes` is the port's face, `watching` the task of one cluster, `counts` the numbers, `entering` makes connections,
`kubeconfig` judges what a tenant's Secret says, `autoscaler` reads the status of a Cluster Autoscaler.
"""

from multicloud.kube.members.eyes import MemberEyes

__all__ = ["MemberEyes"]
