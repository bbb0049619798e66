"""Oasis Kubernetes: node pools over plain JSON, with `requests` for an SDK. `registry` opens its door."""
