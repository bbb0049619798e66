"""AKS on loopback: ARM's managed clusters and agent pools, and the Entra token endpoint before them.

`engine` holds the state and is what admin and hands use, `rules` judges a wished pool, `render` writes
ARM's JSON, `entra` issues and checks tokens, `limits` counts ARM's token buckets, `routes`, `wire` and
`login` speak HTTP.
"""

from multicloud_lab.aks.engine import AksEngine
from multicloud_lab.aks.wire import AksWire, start

__all__ = ["AksEngine", "AksWire", "start"]
