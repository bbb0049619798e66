"""The Kubernetes edge: objects as the API server stores them become nouns of `model`, and decisions become status.

`parse` reads objects, `status` renders and reads back what is remembered, `crd` generates the custom resource
definitions from the same pydantic models. Nothing here does I/O (apart from `crd` run as a program).
"""
