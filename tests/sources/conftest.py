from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from support.answering import Serve, serving


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server that answers as told, for answers that no healthy API server gives; returns a client of it."""
    async with AsyncExitStack() as stack:
        yield serving(stack)
