"""What is said between a scaling policy and its sources, and a decision with all that it was made of.

`observe` asks through the port MetricSource, `sources` answer; `decide` judges the Readings that `observe` makes of it,
`report` shows the whole.
"""

from dataclasses import dataclass
from datetime import datetime

from multicloud.model.pods import Pending
from multicloud.model.policy import (
    Measured,
    PolicyDecision,
    PolicyHistory,
    PolicySpec,
    PoolStanding,
    Reading,
    Used,
)
from multicloud.model.ref import ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """For whom a metric is read: the policy's namespace decides what it may see. `pool` is the pool it decides for."""

    namespace: str
    pool: ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One answer that can be believed. `at` is when it was true, by its source's own word."""

    found: Measured | Used | Pending
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPolicy:
    """A decision about a policy's pool, made at `at`, and all that it was made of.

    `history` is what was remembered before it, `lasting` what status must keep of the history after it.
    """

    spec: PolicySpec
    standing: PoolStanding
    readings: tuple[Reading, ...]
    history: PolicyHistory
    at: datetime
    decision: PolicyDecision
    lasting: PolicyHistory
