from collections.abc import Mapping
from typing import Any

import pytest

from multicloud.model.record import AccountRecord, MemberRecord, PolicyRecord, PoolRecord
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import StoredObject
from multicloud.watch.store import Store
from support.manifests import account, policy, pool

WEB = ObjectKey(kind=Kind.POOL, namespace="shop", name="web")
API = ObjectKey(kind=Kind.POOL, namespace="shop", name="api")
ACCOUNT = ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="account")


class Heard:
    """A listener that writes down what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ObjectKey]] = []

    def changed(self, key: ObjectKey, *, first: bool) -> None:
        self.told.append(("new" if first else "changed", key))

    def removed(self, gone: StoredObject) -> None:
        self.told.append((f"removed {gone.uid}", gone.key))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def store(heard: Heard) -> Store:
    made = Store()
    made.listen(heard)
    return made


def stored(body: Mapping[str, Any], version: int, *, uid: str = "u1", generation: int = 1) -> dict[str, Any]:
    """A manifest as the API server holds it."""
    facts = {"uid": uid, "resourceVersion": str(version), "generation": generation}
    return {**body, "metadata": {**body["metadata"], **facts}}


def replicas(store: Store, key: ObjectKey = WEB) -> int | None:
    found = store.pool(key)
    assert found is not None
    assert found.spec is not None
    return found.spec.replicas


def test_an_object_is_new_once(store: Store, heard: Heard) -> None:
    store.put(stored(pool(), 1))
    store.put(stored(pool(), 1))
    store.put(stored(account(), 2))
    assert heard.told == [("new", WEB), ("new", ACCOUNT)]
    assert [found.key for found in store.pools()] == [WEB]
    assert [found.key for found in store.accounts()] == [ACCOUNT]
    assert store.account("shop", "account") == store.accounts()[0]
    assert store.account("other", "account") is None


def test_the_newer_version_wins_in_whatever_order_they_come(store: Store, heard: Heard) -> None:
    store.put(stored(pool(replicas=5), 9, generation=2))
    store.put(stored(pool(replicas=3), 10, generation=3))
    store.put(stored(pool(replicas=4), 8, generation=1))
    assert replicas(store) == 3
    assert heard.told == [("new", WEB), ("changed", WEB)]


CHANGES: list[tuple[str, Mapping[str, Any], bool]] = [
    ("the wish", stored(pool(replicas=4), 2, generation=2), True),
    ("only the status", {**stored(pool(), 2), "status": {"observedGeneration": 1}}, False),
    ("a spec that cannot be understood", stored(pool(minReplicas="many"), 2, generation=2), True),
]


@pytest.mark.parametrize(("body", "told"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_what_counts_as_a_change(store: Store, heard: Heard, body: Mapping[str, Any], *, told: bool) -> None:
    store.put(stored(pool(), 1))
    store.put(body)
    assert heard.told == [("new", WEB), *([("changed", WEB)] if told else [])]


def test_a_word_in_the_annotations_counts_as_a_change(store: Store, heard: Heard) -> None:
    store.put(stored(pool(), 1))
    paused = stored(pool(), 2)
    paused["metadata"]["annotations"] = {"multicloud.dev/paused": "true", "kubectl.kubernetes.io/restartedAt": "now"}
    store.put(paused)
    assert heard.told == [("new", WEB), ("changed", WEB)]


def test_pausing_an_account_counts_as_a_change(store: Store, heard: Heard) -> None:
    store.put(stored(account(), 1))
    paused = stored(account(), 2)
    paused["metadata"]["annotations"] = {"multicloud.dev/paused": "true"}
    store.put(paused)
    assert [what for what, _ in heard.told] == ["new", "changed"]


def test_a_status_that_a_hand_took_away_counts_as_a_change_and_what_it_held_is_kept(store: Store, heard: Heard) -> None:
    status = {"observedGeneration": 1, "desiredReplicas": 3}
    store.put(stored({**pool(), "status": status}, 1))
    store.put(stored(pool(), 2))
    assert heard.told == [("new", WEB), ("changed", WEB)]
    (known,) = store.pools()
    assert known.record.desired == 3


def test_a_foreign_annotation_does_not_count_as_a_change(store: Store, heard: Heard) -> None:
    store.put(stored(pool(), 1))
    noted = stored(pool(), 2)
    noted["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "web"}
    store.put(noted)
    assert heard.told == [("new", WEB)]


def test_what_the_status_remembers_is_read_when_the_object_is_first_seen(store: Store) -> None:
    store.put({**stored(pool(), 1), "status": {"observedGeneration": 7}})
    found = store.pool(WEB)
    assert found is not None
    assert found.record.observed_generation == 7


def test_from_then_on_memory_leads_and_the_status_is_its_copy(store: Store) -> None:
    store.put(stored(pool(), 1))
    record = PoolRecord(desired=12, members=(MemberRecord(name="east", agreed=4),))
    store.remember(WEB, "u1", record, "5")
    store.put({**stored(pool(replicas=2), 6, generation=2), "status": {"desiredReplicas": 99}})
    found = store.pool(WEB)
    assert found is not None
    assert found.record == record
    assert replicas(store) == 2


def test_the_answer_of_an_own_write_is_newer_than_a_late_event_of_the_watch(store: Store, heard: Heard) -> None:
    store.put(stored(pool(replicas=3), 4, generation=2))
    store.remember(WEB, "u1", PoolRecord(desired=3), "5")
    store.put(stored(pool(replicas=2), 3, generation=1))
    found = store.pool(WEB)
    assert found is not None
    assert (found.resource_version, replicas(store)) == ("5", 3)
    assert heard.told == [("new", WEB)]


@pytest.mark.parametrize(
    ("answered", "kept"), [("5", "5"), ("3", "4"), (None, "4")], ids=["newer", "older than the watch", "not written"]
)
def test_the_version_never_goes_back(store: Store, answered: str | None, kept: str) -> None:
    store.put(stored(pool(), 4))
    store.remember(WEB, "u1", PoolRecord(desired=3), answered)
    found = store.pool(WEB)
    assert found is not None
    assert (found.resource_version, found.record.desired) == (kept, 3)


def test_versions_are_numbers_not_words(store: Store) -> None:
    store.put(stored(pool(replicas=1), 9))
    store.put(stored(pool(replicas=2), 10, generation=2))
    assert replicas(store) == 2
    assert store.newest_version() == 10


def test_memory_of_an_earlier_object_of_the_same_name_is_not_taken(store: Store) -> None:
    store.put(stored(pool(), 9, uid="u2"))
    store.remember(WEB, "u1", PoolRecord(desired=12), "5")
    found = store.pool(WEB)
    assert found is not None
    assert (found.record.desired, found.resource_version) == (None, "9")


def test_a_record_of_another_kind_is_a_bug(store: Store) -> None:
    store.put(stored(pool(), 9))
    with pytest.raises(ValueError, match="another kind"):
        store.remember(WEB, "u1", AccountRecord(), None)


def test_another_object_of_the_same_name_starts_without_memory(store: Store, heard: Heard) -> None:
    store.put(stored(pool(), 1))
    store.remember(WEB, "u1", PoolRecord(desired=12), "2")
    store.put(stored(pool(replicas=1), 8, uid="u2"))
    found = store.pool(WEB)
    assert found is not None
    assert (found.uid, found.record.desired) == ("u2", None)
    assert heard.told == [("new", WEB), ("removed u1", WEB), ("new", WEB)]


def test_a_late_event_of_an_earlier_object_does_not_bring_it_back(store: Store, heard: Heard) -> None:
    store.put(stored(pool(), 8, uid="u2"))
    store.put(stored(pool(), 7, uid="u1"))
    store.remove(stored(pool(), 7, uid="u1"))
    assert [found.uid for found in store.pools()] == ["u2"]
    assert heard.told == [("new", WEB)]


def test_a_deletion_removes_and_is_told_once(store: Store, heard: Heard) -> None:
    store.put(stored(pool(), 1))
    store.remove(stored(pool(), 2))
    store.remove(stored(pool(), 2))
    assert store.pools() == []
    assert heard.told == [("new", WEB), ("removed u1", WEB)]


def test_a_full_list_adds_changes_and_removes(store: Store, heard: Heard) -> None:
    store.put(stored(pool("web"), 1))
    store.put(stored(pool("api"), 2, uid="u2"))
    store.put(stored(account(), 3, uid="u3"))
    store.replace_all(Kind.POOL, [stored(pool("api", replicas=3), 5, uid="u2", generation=2)], as_of=4)
    assert [found.key for found in store.pools()] == [API]
    assert replicas(store, API) == 3
    assert len(store.accounts()) == 1
    assert heard.told[3:] == [("changed", API), ("removed u1", WEB)]


def test_what_is_younger_than_the_list_stays(store: Store) -> None:
    store.put(stored(pool("web"), 1))
    as_of = store.newest_version()
    store.put(stored(pool("api"), 2, uid="u2"))  # created while the list was on its way
    store.replace_all(Kind.POOL, [stored(pool("web"), 1)], as_of=as_of)
    assert [found.key for found in store.pools()] == [API, WEB]


def test_what_was_deleted_while_the_list_was_on_its_way_stays_away(store: Store, heard: Heard) -> None:
    store.put(stored(pool("web"), 1))
    as_of = store.newest_version()
    store.remove(stored(pool("web"), 2))
    store.replace_all(Kind.POOL, [stored(pool("web"), 1)], as_of=as_of)
    assert store.pools() == []
    assert heard.told == [("new", WEB), ("removed u1", WEB)]
    store.put(stored(pool("web"), 3, uid="u2"))
    assert [found.uid for found in store.pools()] == ["u2"]


def test_objects_that_cannot_be_understood_are_kept_with_their_problem(store: Store) -> None:
    broken = stored({**pool(), "spec": {"members": 7}, "status": {"conditions": "?"}}, 1)
    store.replace_all(Kind.POOL, [broken, stored(pool("api"), 2, uid="u2")], as_of=0)
    api, web = store.pools()
    assert api.problem is None
    assert web.spec is None
    assert web.problem is not None


def made_at(name: str, minute: int, *, of: str = "web") -> dict[str, Any]:
    body = stored(policy(name, poolRef={"name": of}), minute + 1, uid=f"u-{name}")
    body["metadata"]["creationTimestamp"] = f"2026-11-23T08:{minute:02}:00Z"
    return body


def test_policies_of_a_pool_are_told_the_oldest_first(store: Store) -> None:
    for body in (made_at("young", 9), made_at("old", 3), made_at("other", 1, of="api")):
        store.put(body)
    assert [found.key.name for found in store.policies_of(WEB)] == ["old", "young"]


def test_a_policy_whose_spec_is_not_understood_is_still_its_pools(store: Store) -> None:
    body = made_at("old", 3)
    body["spec"]["algorithm"] = "OfTomorrow"
    store.put(body)
    (found,) = store.policies_of(WEB)
    assert (found.spec, found.problem is None) == (None, False)


def test_what_a_policy_decided_is_kept_over_later_events(store: Store) -> None:
    store.put(made_at("old", 3))
    key = ObjectKey(kind=Kind.POLICY, namespace="shop", name="old")
    store.remember(key, "u-old", PolicyRecord(desired=7), "5")
    later = made_at("old", 3)
    later["metadata"]["resourceVersion"] = "6"
    store.put(later)
    found = store.policy(key)
    assert found is not None
    assert found.record == PolicyRecord(desired=7)
