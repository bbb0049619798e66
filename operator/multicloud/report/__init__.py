"""What people see: the whole status by one writer, events, metrics. All of it says the same Reason values.

`conditions` judges a pass in Kubernetes' terms, `status` persists it, `events` tells transitions once, `metrics` renders
what is known when Prometheus asks.
"""
