"""Why a cloud call failed, by what the caller does next. Raised by `clouds`, turned into values by `observe` and `act`.

| class | what the caller does |
|---|---|
| Throttled, Unavailable | back off, ask again |
| Conflict | read again, decide again |
| NoCapacity | back off the member, others grow |
| Refused | stop the member until spec, secret or cloud changes |
| OutcomeUnknown | a write may have happened: look, never repeat blindly |
| NotSent | no byte left this process: safe to forget |
"""

from multicloud.model.reason import Code, Reason


class CloudError(Exception):
    """A cloud call that failed. `reason` is what status, events and metrics say; its text holds no secret."""

    def __init__(self, reason: Reason, *, retry_after_s: float | None = None) -> None:
        """Keep the reason; `retry_after_s` is the cloud's own wish, in seconds, where it sent one."""
        super().__init__(f"{reason.code}: {reason.text}")
        self.reason = reason
        self.retry_after_s = retry_after_s


class Throttled(CloudError):
    """Too many requests; nothing was changed."""


class Unavailable(CloudError):
    """The cloud did not answer or answered 5xx to a *read*, or refused a write before doing it."""


class Conflict(CloudError):
    """Another operation runs, or the pool changed since it was read; nothing was changed."""


class NoCapacity(CloudError):
    """Stockout or quota: this member cannot grow now."""


class Refused(CloudError):
    """Authentication, permission, a missing pool or an invalid request: a person has to change something."""


class OutcomeUnknown(CloudError):
    """A write whose answer was lost: time-out, broken connection, 5xx after sending."""


class NotSent(CloudError):
    """Refused on our side (fence, stop switch, breaker, expired deadline) before a byte was sent."""


class NoSample(Exception):
    """A metric that gave no number to believe. `reason` holds neither a secret nor anything that the source said."""

    def __init__(self, reason: Reason) -> None:
        """Keep the reason."""
        super().__init__(f"{reason.code}: {reason.text}")
        self.reason = reason


def refused(code: Code, text: str) -> Refused:
    """Make a Refused with its reason."""
    return Refused(Reason(code=code, text=text))
