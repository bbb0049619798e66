"""What the operator's own identity may be used for: the administrator's rule as a table."""

from collections.abc import Mapping, Sequence

import pytest

from multicloud.clouds.ambient import admit
from multicloud.model.error import Refused
from multicloud.model.reason import Code
from multicloud.settings import Identities

ROLE = "arn:aws:iam::111122223333:role/team/pools"
APP = "00000000-0000-0000-0000-0000000000bb@00000000-0000-0000-0000-0000000000aa"
EMAIL = "pools@shop-prod-1.iam.gserviceaccount.com"
ELSEWHERE = {"other": ("*",)}

ALLOWED: Mapping[str, tuple[str | None, Mapping[str, Sequence[str]]]] = {
    "itself-without-a-list": (None, {}),
    "itself-without-a-list-of-its-own": (None, ELSEWHERE),
    "itself-by-its-word": (None, {"shop": ("ambient",)}),
    "itself-by-star": (None, {"shop": ("*",)}),
    "role": (ROLE, {"shop": ("arn:aws:iam::1:role/a", ROLE)}),
    "role-by-its-path": (ROLE, {"shop": ("arn:aws:iam::111122223333:role/team/*",)}),
    "role-by-star": (ROLE, {"shop": ("*",)}),
    "application": (APP, {"shop": (APP,)}),
    "application-in-capitals": (APP, {"shop": (APP.upper(),)}),
    "application-in-any-directory": (APP, {"shop": ("00000000-0000-0000-0000-0000000000BB@*",)}),
    "service-account": (EMAIL, {"shop": (EMAIL,)}),
    "service-account-by-its-start": (EMAIL, {"shop": ("pools@*",)}),
}

REFUSED: Mapping[str, tuple[str | None, Mapping[str, Sequence[str]]]] = {
    "role-without-a-list": (ROLE, {}),
    "role-of-another-list": (ROLE, ELSEWHERE),
    "role-with-an-empty-list": (ROLE, {"shop": ()}),
    "itself-with-an-empty-list": (None, {"shop": ()}),
    "itself-with-a-list-of-roles": (None, {"shop": (ROLE,)}),
    "role-by-the-word-for-itself": (ROLE, {"shop": ("ambient",)}),
    "role-longer-than-the-entry": (f"{ROLE}-admin", {"shop": (ROLE,)}),
    "role-shorter-than-the-entry": (ROLE[:-1], {"shop": (ROLE,)}),
    "role-in-other-letters": (ROLE.replace("pools", "Pools"), {"shop": (ROLE,)}),
    "role-of-another-account": (ROLE, {"shop": ("arn:aws:iam::444455556666:role/*",)}),
    "application-in-another-directory": (APP, {"shop": (APP.replace("0aa", "0dd"),)}),
    "application-without-its-directory": (APP, {"shop": (APP.partition("@")[0],)}),
}


def rule(allow: Mapping[str, Sequence[str]], *namespaces: str) -> Identities:
    return Identities.model_validate({"ambient_namespaces": namespaces, "allow": allow})


@pytest.mark.parametrize(("target", "allow"), ALLOWED.values(), ids=ALLOWED.keys())
def test_allowed(target: str | None, allow: Mapping[str, Sequence[str]]) -> None:
    admit("shop", target, rule(allow, "shop"))


@pytest.mark.parametrize(("target", "allow"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(target: str | None, allow: Mapping[str, Sequence[str]]) -> None:
    with pytest.raises(Refused) as caught:
        admit("shop", target, rule(allow, "shop"))
    assert caught.value.reason.code is Code.IDENTITY_NOT_ALLOWED
    assert f"{target or 'ambient'} to identities.allow.shop" in caught.value.reason.text


@pytest.mark.parametrize("target", [None, ROLE])
def test_a_list_is_nothing_without_the_namespace(target: str | None) -> None:
    with pytest.raises(Refused) as caught:
        admit("shop", target, rule({"shop": ("*",)}, "other"))
    assert caught.value.reason.code is Code.AMBIENT_IDENTITY_NOT_ALLOWED


@pytest.mark.parametrize("entry", ["", "a b", "*a", "a*b", "a**"])
def test_an_entry_that_would_mean_something_else_is_refused_at_the_start(entry: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        rule({"shop": (entry,)})
