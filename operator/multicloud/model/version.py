"""Who we say we are to API servers and clouds, in audit logs and metrics."""

from typing import Final

VERSION: Final = "0.1.0"
USER_AGENT: Final = f"multicloud-operator/{VERSION}"
FIELD_MANAGER: Final = "multicloud-operator"
COMMAND_LINE: Final = "multicloud-command-line"
"""The field manager of what a person writes with `multicloud`: of an annotation, managedFields name it."""
