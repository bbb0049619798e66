"""Annotations by which anybody may steer a pool or an account: what means something, and what nobody can understand."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from support.clock import EPOCH

ADOPT = "multicloud.dev/adopt"
APPROVE = "multicloud.dev/approve"
OVERRIDE = "multicloud.dev/override"
PAUSED = "multicloud.dev/paused"
MEMBERS = ("a", "b-2", "a-member-with-a-long-name")
"""The members that pools may have."""
AS_PUBLISHED = "as published"
"""Stands for the hash of the plan that a pool's status shows when the annotation is set."""

Notes = dict[str, str]

_LASTS = EPOCH + timedelta(days=6)
_YEAR_AGO = EPOCH - timedelta(days=365)


def _override(until: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """JSON that is understood wherever `until` is; the bounds may lie outside the pool's."""
    size = st.integers(0, 30)
    bounds = (
        st.fixed_dictionaries({"replicas": size})
        | st.fixed_dictionaries({"minReplicas": size})
        | st.fixed_dictionaries({"maxReplicas": size})
        | st.tuples(size, size).map(sorted).map(lambda both: {"minReplicas": both[0], "maxReplicas": both[1]})
    )
    return st.tuples(bounds, until).map(lambda drawn: json.dumps({**drawn[0], "until": drawn[1].isoformat()}))


_STANDS = _override(st.just(_LASTS))
_ENDS = _override(st.integers(10, 150).map(lambda minutes: EPOCH + timedelta(minutes=minutes)))
_MISTAKEN = _override(st.sampled_from((_YEAR_AGO, EPOCH + timedelta(days=40)))) | st.sampled_from(
    (
        "120",
        "{",
        json.dumps({"until": _LASTS.isoformat()}),
        json.dumps({"replicas": 3, "until": _LASTS.isoformat(), "byWhom": "me"}),
        json.dumps({"minReplicas": 9, "maxReplicas": 3, "until": _LASTS.isoformat()}),
    )
)
_SWITCH = st.sampled_from(("true", " False ", "yes", ""))
_ADOPTED = st.sampled_from(("*", MEMBERS[0], f"{MEMBERS[1]}, stranger", "stranger", ","))
_WORDS = st.sampled_from(
    (f"{MEMBERS[0]}@{EPOCH.isoformat()}", f"stranger@{EPOCH.isoformat()}", f"{MEMBERS[0]}@yesterday", MEMBERS[0])
)
_POOL = {
    OVERRIDE: _STANDS | _ENDS | _MISTAKEN,
    PAUSED: _SWITCH,
    "multicloud.dev/paused-scale-in": _SWITCH,
    ADOPT: _ADOPTED,
    "multicloud.dev/accept-drift": _WORDS,
    "multicloud.dev/correct-drift": _WORDS,
    APPROVE: st.sampled_from((AS_PUBLISHED, "0123456789abcdef", "x" * 100)),
}
_PLAIN = {OVERRIDE: _STANDS, PAUSED: st.just("false"), ADOPT: _ADOPTED, APPROVE: st.just("0123456789abcdef")}


def notes(*, plain: bool) -> st.SearchStrategy[Notes]:
    """At most two annotations of a pool; `plain` ones say the same at any time and after any history."""
    named = _PLAIN if plain else _POOL
    one = st.sampled_from(sorted(named)).flatmap(lambda name: st.tuples(st.just(name), named[name]))
    return st.lists(one, max_size=2).map(dict)


def account_notes() -> st.SearchStrategy[Notes]:
    """The one annotation that an account may have, most of the time not there."""
    return st.just(Notes()) | st.just(Notes()) | _SWITCH.map(lambda value: {PAUSED: value})
