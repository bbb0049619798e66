"""Whether a permission is there, by what comes of using it: shared by the doors' probes."""

from collections.abc import Callable

from multicloud.model.error import CloudError
from multicloud.model.permission import Need, Permission
from multicloud.model.reason import Code


def by_use(need: Need, use: Callable[[], object]) -> Permission:
    """Use it and judge the answer: every cloud asks for the permission before it looks whether a thing exists."""
    try:
        use()
    except CloudError as error:
        if error.reason.code is Code.NOT_FOUND:
            return Permission(need=need, granted=True)
        granted = False if error.reason.code is Code.DENIED else None
        return Permission(need=need, granted=granted, why=error.reason.text)
    return Permission(need=need, granted=True)
