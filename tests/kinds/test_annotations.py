"""What people write on pools and accounts in a hurry: understood exactly, or said to be a mistake; never an exception."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multicloud.kinds.parse import account_object, pool_object
from multicloud.model.override import Override
from multicloud.model.reason import Code, Reason
from multicloud.model.spec import PoolSpec
from support.manifests import account, pool

UNTIL = "2026-12-01T08:00:00Z"
MOMENT = datetime(2026, 12, 1, 8, tzinfo=UTC)


def spec_with(annotations: object) -> PoolSpec:
    body = pool()
    body["metadata"]["annotations"] = annotations
    spec = pool_object(body).spec
    assert spec is not None
    return spec


def override_of(value: str) -> Override | Reason | None:
    return spec_with({"multicloud.dev/override": value}).override


@pytest.mark.parametrize(
    ("note", "low", "high"),
    [
        pytest.param({"replicas": 7}, 7, 7, id="a number is both bounds"),
        pytest.param({"minReplicas": 7}, 7, None, id="at least"),
        pytest.param({"maxReplicas": 7}, None, 7, id="at most"),
        pytest.param({"minReplicas": 0, "maxReplicas": 7}, 0, 7, id="between"),
        pytest.param({"minReplicas": 7, "maxReplicas": None}, 7, None, id="null is absent"),
    ],
)
def test_an_override_is_bounds_until_a_moment(note: dict[str, Any], low: int | None, high: int | None) -> None:
    found = override_of(json.dumps({**note, "until": UNTIL, "reason": "INC-42"}))
    assert found == Override(min_replicas=low, max_replicas=high, until=MOMENT, reason="INC-42")


def test_any_offset_names_the_same_moment_and_words_may_be_missing() -> None:
    found = override_of('{"replicas": 7, "until": "2026-12-01T09:00:00+01:00"}')
    assert found == Override(min_replicas=7, max_replicas=7, until=MOMENT, reason="")


def _note(**changes: Any) -> str:
    note = {"minReplicas": 7, "until": UNTIL, "reason": "INC-42", **changes}
    return json.dumps({key: value for key, value in note.items() if value is not None})


_MISTAKES: list[Any] = [
    pytest.param("", ": invalid JSON", id="nothing"),
    pytest.param("120", ": input should be an object", id="a number"),
    pytest.param("minReplicas=120", ": invalid JSON", id="no JSON"),
    pytest.param("null", ": input should be an object", id="null"),
    pytest.param("[" * 100_000, ": invalid JSON", id="a bottomless list"),
    pytest.param(_note(minNodes=3), ".minNodes: ", id="unknown key"),
    pytest.param(_note(min_replicas=3, minReplicas=None), ".min_replicas: ", id="a key in another spelling"),
    pytest.param(_note(minReplicas="7"), ".minReplicas: ", id="a number as a word"),
    pytest.param(_note(minReplicas=7.0), ".minReplicas: ", id="a fraction"),
    pytest.param(_note(minReplicas=True), ".minReplicas: ", id="true is no number"),
    pytest.param(_note(minReplicas=-1), ".minReplicas: ", id="less than nothing"),
    pytest.param(_note(minReplicas=10**30), ".minReplicas: ", id="more than all"),
    pytest.param(_note(minReplicas=None), ": one of replicas, minReplicas and maxReplicas", id="no number"),
    pytest.param(_note(maxReplicas=6), ": minReplicas must not be above maxReplicas", id="an empty range"),
    pytest.param(_note(replicas=7), ": replicas stands alone", id="a number beside a bound"),
    pytest.param(_note(until=None), ".until: field required", id="no end"),
    pytest.param(_note(until="2026-12-01T08:00:00"), ".until: ", id="an end without offset"),
    pytest.param(_note(until="2026-12-01"), ".until: ", id="a day"),
    pytest.param(_note(until="tomorrow"), ".until: ", id="a word"),
    pytest.param(_note(until=1796000000), ".until: ", id="seconds since 1970"),
    pytest.param(_note(until="1796000000"), ".until: ", id="seconds since 1970 as a word"),
    pytest.param(_note(until="9999-12-31T23:59:59-12:00"), ".until: ", id="after the last day of UTC"),
    pytest.param(_note(until="0001-01-01T00:00:00+12:00"), ".until: ", id="before the first day of UTC"),
    pytest.param(_note(reason=42), ".reason: ", id="a number as words"),
    pytest.param(_note(reason="x" * 201), ".reason: ", id="a novel"),
    pytest.param(_note(reason="\x1b[31mred"), ".reason: ", id="colours for a terminal"),
    pytest.param(_note(reason="\u202eoverride"), ".reason: ", id="letters that turn others round"),
]


@pytest.mark.parametrize(("value", "told"), _MISTAKES)
def test_a_mistaken_override_is_told_with_the_place_of_the_mistake(value: str, told: str) -> None:
    found = override_of(value)
    assert isinstance(found, Reason)
    assert found.code is Code.OVERRIDE_NOT_UNDERSTOOD
    assert found.text.startswith(f"annotation multicloud.dev/override{told}")


def test_what_is_told_of_a_mistake_is_short_and_printable() -> None:
    found = override_of(_note(**{"\x1b[2J" * 1000: 1}))
    assert isinstance(found, Reason)
    assert len(found.text) <= 401
    assert found.text.isprintable()


def test_other_annotations_steer_nothing() -> None:
    strangers = {"multicloud.dev/Override": _note(), "kopf.zalando.org/last-handled-configuration": '{"spec":{}}'}
    assert spec_with(strangers) == spec_with({})


def test_removals_may_be_paused_alone() -> None:
    spec = spec_with({"multicloud.dev/paused-scale-in": "true"})
    assert (spec.paused, spec.scale_in_paused) == (False, True)


@pytest.mark.parametrize(("value", "paused"), [("true", True), ("yes", True), ("false", False), ("False", False)])
def test_an_account_may_be_paused(value: str, paused: bool) -> None:
    body = account()
    body["metadata"]["annotations"] = {"multicloud.dev/paused": value}
    assert account_object(body).paused is paused


_VALUES = st.none() | st.integers() | st.text() | st.builds(json.dumps, st.dictionaries(st.text(), st.integers()))


@given(
    annotations=st.dictionaries(
        st.sampled_from(
            [f"multicloud.dev/{name}" for name in ("paused", "paused-scale-in", "adopt", "override", "approve")]
        ),
        _VALUES,
    )
)
def test_no_annotation_crashes_or_makes_an_override_by_chance(annotations: dict[str, object]) -> None:
    assert not isinstance(spec_with(annotations).override, Override)


@pytest.mark.parametrize(
    ("value", "consents", "mistakes"),
    [
        pytest.param(f"east@{UNTIL}", {("east", MOMENT)}, (), id="a member"),
        pytest.param(f" *@{UNTIL} ,", {("*", MOMENT)}, (), id="all of them"),
        pytest.param(
            f"east@{UNTIL},west@2026-12-01T09:00:00+01:00",
            {("east", MOMENT), ("west", MOMENT)},
            (),
            id="two, two zones",
        ),
        pytest.param("east", set(), ("east",), id="no time"),
        pytest.param("east@2026-12-01T08:00:00", set(), ("east@2026-12-01T08:00:00",), id="no offset"),
        pytest.param("east@2026-12-01", set(), ("east@2026-12-01",), id="a day"),
        pytest.param("east@9999-12-31T23:59:59-23:59", set(), ("east@9999-12-31T23:59:59-23:59",), id="no such moment"),
        pytest.param(f"@{UNTIL}", set(), (f"@{UNTIL}",), id="nobody"),
        pytest.param(f"a, east@{UNTIL}, *", {("east", MOMENT)}, ("*", "a"), id="what is understood counts"),
        pytest.param("x" * 105 + f"@{UNTIL}", set(), ("x" * 105 + f"@{UNTIL}",), id="too long for any member"),
        pytest.param("", set(), (), id="empty"),
        pytest.param(7, set(), (), id="no text"),
    ],
)
def test_what_people_say_about_drift(
    value: object, consents: set[tuple[str, datetime]], mistakes: tuple[str, ...]
) -> None:
    for name in ("accept", "correct"):
        drift = spec_with({f"multicloud.dev/{name}-drift": value}).drift
        heard, other = (drift.accepted, drift.corrected) if name == "accept" else (drift.corrected, drift.accepted)
        assert ({(one.member, one.at) for one in heard}, drift.mistakes) == (consents, mistakes)
        assert other == frozenset()


@given(value=st.text())
def test_no_word_about_drift_raises(value: str) -> None:
    assert len(spec_with({"multicloud.dev/accept-drift": value}).drift.accepted) <= value.count("@")
