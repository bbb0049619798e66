"""Doing again what the journal says that clients and hands did on Google's side."""

from google.protobuf import json_format  # type: ignore[import-untyped]  # ships without types

from multicloud_lab.core.calls import Call
from multicloud_lab.core.journal import Entry
from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.methods import METHODS
from multicloud_lab.gke.names import requested

_OF_HANDS = frozenset({"nodes"})
"""Arguments of a hand's resize that the vendor's request does not have."""


def replay(engine: GkeEngine, entry: Entry) -> bool:
    """Do a mutation again; False for a read. Raises GoogleError when it cannot be done."""
    method = METHODS.get(entry.operation)
    if method is None or not method.writes:
        return False
    told = {field: value for field, value in entry.arguments.items() if field not in _OF_HANDS}
    request = method.request()
    json_format.ParseDict(told, method.request.pb(request))
    call = Call(
        cloud=entry.cloud,
        operation=entry.operation,
        principal=entry.principal,
        cluster=entry.cluster,
        pool=entry.pool,
        token=entry.token,
        arguments=entry.arguments,
    )
    method.act(engine, requested(request, method.kind), request, call)
    return True
