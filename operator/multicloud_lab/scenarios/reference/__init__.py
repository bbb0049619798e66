"""A careful client of node pools, over plain REST: what the scenarios are shown to be passable with.

`reconciler` decides, `eks`, `aks` and `gke` are its doors to the clouds, `http` their way out; `__main__` speaks the
stage's protocol. It reads before it writes, writes its intent down before it sends it, keeps one idempotency token
an intent, never acts on what it does not know, and waits longer after every refusal.
"""
