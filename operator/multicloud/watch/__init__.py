"""Where changes come in: objects from the API server, leadership from the Lease, questions from HTTP.

`kopf_thread` watches and feeds `store`, which wakes the work queue; `barrier` fills the store before the first
decision and sweeps it later; `elector` holds the Lease and is the fence of every cloud write; `stop` reads the stop
switch; `http` answers probes and Prometheus.
"""
