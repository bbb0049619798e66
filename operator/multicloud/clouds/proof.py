"""Whether a permission is there, by what comes of using it: shared by the doors' probes."""

from collections.abc import Callable
from typing import TypeVar

from multicloud.model.error import CloudError
from multicloud.model.permission import Need, Permission
from multicloud.model.reason import Code

T = TypeVar("T")


def by_use(need: Need, use: Callable[[], T]) -> tuple[Permission, T | None]:
    """Use it, and judge the answer, which comes back too, None where there was none.

    Every cloud asks for the permission before it looks whether a thing exists: "not found" proves it.
    """
    try:
        return Permission(need=need, granted=True), use()
    except CloudError as error:
        if error.reason.code is Code.NOT_FOUND:
            return Permission(need=need, granted=True), None
        granted = False if error.reason.code is Code.DENIED else None
        return Permission(need=need, granted=granted, why=error.reason.text), None
