"""Types of a server that answers as a test tells it, for what no healthy API server says."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from multicloud.kube.client import KubeClient

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Answer], Awaitable[KubeClient]]
"""Starts the server and returns a client of it."""
