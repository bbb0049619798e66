"""AKS on loopback: ARM's managed clusters and agent pools, and the Entra token endpoint before them.

`engine` holds the state (made by `build`, worked on by `operations` and `hands`), `rules` judges a wished pool,
`switches` says what is open, `views` and `replaying` serve the lab's own parts; `render` writes ARM's JSON, `entra`
issues and checks tokens, `limits` counts token buckets, `roles` knows permissions; `routes`, `wire`, `handlers`,
`faulted`, `login` and `identity` speak HTTP.
"""

from multicloud_lab.aks.engine import AksEngine
from multicloud_lab.aks.wire import AksWire, start

__all__ = ["AksEngine", "AksWire", "start"]
