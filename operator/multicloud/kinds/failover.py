"""`spec.failover` as manifests spell it: what happens when a cloud does not deliver. Part of MultiCloudPool."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from multicloud.kinds.shape import Part, Seconds, Switch, WholeNumber, rule, rules
from multicloud.model.spec import Failover, WhenUnreachable


class FailoverBlock(Part):
    """What happens when a cloud does not deliver, and how a member comes back."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.backoffSeconds) || !has(self.maxBackoffSeconds) || self.backoffSeconds <= self.maxBackoffSeconds",
                "backoffSeconds must not be above maxBackoffSeconds",
                field=".backoffSeconds",
            )
        )
    )

    provision_timeout_seconds: Annotated[WholeNumber, Field(ge=60, le=86_400)] = Field(
        default=900,
        description="Seconds that asked-for nodes may take to become ready; then they count as missing: others grow, "
        "and what the cloud never made is given back.",
    )
    lock_timeout_seconds: Seconds = Field(
        default=600,
        description="Seconds to wait for somebody else's operation on a node pool before others grow in its place.",
    )
    backoff_seconds: Annotated[WholeNumber, Field(ge=5, le=86_400)] = Field(
        default=300, description="Seconds before a member that failed to grow may try again; doubles at every failure."
    )
    max_backoff_seconds: Annotated[WholeNumber, Field(ge=5, le=86_400)] = Field(
        default=1800, description="Longest back-off in seconds."
    )
    unreachable_after_seconds: Annotated[WholeNumber, Field(ge=60, le=86_400)] = Field(
        default=600, description="Seconds without a good read after which a member counts as unreachable."
    )
    when_unreachable: WhenUnreachable = Field(
        default=WhenUnreachable.HOLD,
        description="Hold: an unreachable member counts with what it had. Replace: it counts nothing, others grow; "
        "what comes back leaves by ordinary scale-down.",
    )
    return_to_preferred: Switch = Field(
        default=True,
        description="Move units back to a member that failed once it can grow again: one node, then the rest.",
    )
    return_after_seconds: Seconds = Field(
        default=1800, description="Seconds after its last failure before units move back to a member."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.backoff_seconds > self.max_backoff_seconds:
            raise ValueError("backoffSeconds must not be above maxBackoffSeconds")
        return self

    def to_model(self) -> Failover:
        """Say it in the words of `model`."""
        return Failover(
            provision_timeout_s=self.provision_timeout_seconds,
            lock_timeout_s=self.lock_timeout_seconds,
            backoff_s=self.backoff_seconds,
            max_backoff_s=self.max_backoff_seconds,
            unreachable_after_s=self.unreachable_after_seconds,
            when_unreachable=self.when_unreachable,
            return_to_preferred=self.return_to_preferred,
            return_after_s=self.return_after_seconds,
        )
