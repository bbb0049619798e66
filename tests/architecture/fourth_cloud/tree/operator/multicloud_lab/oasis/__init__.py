"""The emulated Oasis: two clusters with fixed pools, one operation at a time on each pool."""

from multicloud_lab.oasis.engine import OasisEngine
from multicloud_lab.oasis.wire import start

__all__ = ["OasisEngine", "start"]
