"""The Kubernetes API server, made small: the only room that imports the Kubernetes client.

`client` sends requests with a time-out each; `objects` lists our kinds and writes their status; `lease`, `secrets`,
`events` and `stop` each speak for one resource. Implementations of the ports in `model/port.py`.
"""
