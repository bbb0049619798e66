"""The closed list of reasons. Status, events, logs, metrics and `explain` print these values and no others."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """A stable CamelCase word for one cause. Never renamed; docs/reasons.md is generated from this list."""

    # all is well
    AS_WISHED = "AsWished"
    SETTLED = "Settled"
    # who decided the number
    SPEC_REPLICAS = "SpecReplicas"
    HOLD = "Hold"
    OVERRIDE = "Override"
    # what bound it (limitedBy)
    MIN_REPLICAS = "MinReplicas"
    MAX_REPLICAS = "MaxReplicas"
    MEMBER_MAXIMA = "MemberMaxima"
    MEMBER_MINIMA = "MemberMinima"
    WHOLE_NODES = "WholeNodes"
    # why a member's size moves
    GROW_FOR_SHORTAGE = "GrowForShortage"
    GROW_FOR_WISH = "GrowForWish"
    SHRINK_TO_WISH = "ShrinkToWish"
    MOVE_TO_SHARE = "MoveToShare"
    # gates on removals and on everything
    STOPPED = "StopSwitch"
    STOPPED_SHRINK = "StopSwitchShrinkOnly"
    PAUSED = "Paused"
    ACCOUNT_PAUSED = "AccountPaused"
    SCALE_IN_PAUSED = "ScaleInPaused"
    PLAN_ONLY = "PlanOnly"
    FROZEN = "MemberFrozen"
    SCALE_DOWN_DELAY = "ScaleDownDelay"
    DECIDER_CHANGED = "DeciderChanged"
    MAX_NODES_PER_STEP = "MaxNodesPerStep"
    WAITING_FOR_STEP = "WaitingForStep"
    REPLACEMENT_NOT_READY = "ReplacementNotReady"
    UNKNOWN_MEMBERS = "UnknownMembers"
    ADOPTION_FLOOR = "AdoptionFloor"
    SURPLUS_HELD = "SurplusHeld"
    SCHEDULED_PODS = "ScheduledPods"
    BRAKE = "FleetBrake"
    BACKED_OFF = "BackedOff"
    UNSAFE_TO_SHRINK = "UnsafeToShrink"
    # what a cloud does not deliver
    NODES_MISSING = "NodesMissing"
    GIVEN_BACK = "GivenBack"
    PROBING = "Probing"
    REPAIRING = "Repairing"
    UNREACHABLE = "Unreachable"
    RETURNING = "Returning"
    SCOPE_BUSY = "ScopeBusy"
    OPERATION_RUNNING = "OperationRunning"
    OPERATION_LATE = "OperationLate"
    FOREIGN_OPERATION = "ForeignOperation"
    ABOVE_BOUND = "AboveBound"
    # how a resize went
    RESIZE_ACCEPTED = "ResizeAccepted"
    DELIVERED = "Delivered"
    NOT_EXECUTED = "NotExecuted"
    SUPERSEDED = "Superseded"
    OPERATION_FAILED = "OperationFailed"
    MEMBER_RELEASED = "MemberReleased"
    OPERATION_CANCELED = "OperationCanceled"
    OPERATION_FORGOTTEN = "OperationForgotten"
    # why a member or account is refused
    ACCOUNT_NOT_FOUND = "AccountNotFound"
    ACCOUNT_NOT_READY = "AccountNotReady"
    WRONG_CLOUD = "WrongCloud"
    NODE_POOL_NOT_FOUND = "NodePoolNotFound"
    NODE_POOL_CLAIMED = "NodePoolClaimed"
    NODE_POOL_LEAVING = "NodePoolLeaving"
    NODE_POOL_STOPPED = "NodePoolStopped"
    SEVERAL_VM_SIZES = "SeveralVmSizes"
    CAPACITY_TYPE_MISMATCH = "CapacityTypeMismatch"
    AUTOSCALER_ON = "AutoscalerOn"
    NO_LEGAL_SIZE = "NoLegalSize"
    INVALID_SPEC = "InvalidSpec"
    OVERRIDE_NOT_UNDERSTOOD = "OverrideNotUnderstood"
    OVERRIDE_IN_PAST = "OverrideInPast"
    OVERRIDE_TOO_LONG = "OverrideTooLong"
    ADOPT_UNKNOWN_MEMBER = "AdoptUnknownMember"
    SECRET_NOT_FOUND = "SecretNotFound"
    SECRET_NOT_READABLE = "SecretNotReadable"
    SECRET_KEY_MISSING = "SecretKeyMissing"
    SECRET_INVALID = "SecretInvalid"
    AMBIENT_IDENTITY_NOT_ALLOWED = "AmbientIdentityNotAllowed"
    IDENTITY_NOT_ALLOWED = "IdentityNotAllowed"
    ENVIRONMENT_UNKNOWN = "EnvironmentUnknown"
    SDK_NOT_INSTALLED = "SdkNotInstalled"
    # why a cluster cannot be seen from inside
    NO_CLUSTER_ACCESS = "NoClusterAccess"
    KUBECONFIG_REFUSED = "KubeconfigRefused"
    # what a cloud answered
    NOT_YET_OBSERVED = "NotYetObserved"
    CLAIM_PENDING = "ClaimPending"
    STALE = "Stale"
    THROTTLED = "Throttled"
    UNAVAILABLE = "Unavailable"
    TIMED_OUT = "TimedOut"
    CONFLICT = "Conflict"
    STOCKOUT = "Stockout"
    QUOTA = "QuotaExceeded"
    AUTH_FAILED = "AuthenticationFailed"
    TOKEN_EXPIRED = "TokenExpired"
    CLOCK_SKEWED = "ClockSkewed"
    DENIED = "PermissionDenied"
    NOT_FOUND = "NotFound"
    INVALID = "InvalidRequest"
    UNEXPECTED = "UnexpectedAnswer"
    # why nothing was sent
    NOT_LEADER = "NotLeader"
    BREAKER_OPEN = "BreakerOpen"
    DEADLINE_PASSED = "DeadlinePassed"
    # conditions
    ENOUGH_READY = "EnoughReady"
    NOT_ENOUGH_READY = "NotEnoughReady"
    CONVERGING = "Converging"
    ALL_OBSERVED = "AllObserved"
    ALL_HEALTHY = "AllHealthy"
    IDENTITY_PROVED = "IdentityProved"
    NO_MEMBER_CAN_ACT = "NoMemberCanAct"
    NOTHING_HELD = "NothingHeld"
    NOT_PAUSED = "NotPaused"
    PODS_SEEN = "PodsSeen"
    NO_OVERRIDE = "NoOverride"
    OVERRIDE_ACTIVE = "OverrideActive"
    OVERRIDE_EXPIRED = "OverrideExpired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why. `code` is for machines, `text` one sentence for people with names and thresholds, never live values.

    (A live number in a reason would change the status at every pass and break the silence at rest.)
    """

    code: Code
    text: str
