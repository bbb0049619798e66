"""What the operator needs on Oasis: whoever has a token may do everything, so there is nothing to ask for."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from multicloud.model.permission import Policy
from multicloud.model.ref import NodePoolRef


def role(pools: Sequence[NodePoolRef], principal: str) -> Mapping[str, Any]:
    """Render nothing."""
    return {}


POLICY: Final = Policy(needs=(), role=role)
