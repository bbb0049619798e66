"""`adopt`, `accept-drift`, `correct-drift`, `pause`, `resume` and `override` on the real API server: what they annotate, say and refuse."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import yaml

from multicloud.kinds.parse import pool_object
from multicloud.model.override import Override
from multicloud.run.clock import SystemClock
from multicloud_lab.controlplane import ControlPlane
from support.commandline import multicloud_says
from support.manifests import account, member, pool

pytestmark = pytest.mark.slow

Says = Callable[..., tuple[int, str, str]]

MEMBERS = [
    {"name": "east", "adoptionFloor": 4, "requestedNodes": 4},
    {"name": "west", "adoptionFloor": None, "requestedNodes": 2},
]
ADDED = "2026-11-28T02:10:00.250000+00:00"
DRIFTED = [
    {"name": "east", "agreedNodes": 4, "requestedNodes": 6, "heldSince": "2026-11-28T01:00:00Z", "movedAt": ADDED},
    {"name": "west", "agreedNodes": 2, "requestedNodes": 2, "accepted": {"replicas": 6, "at": ADDED}},
]


@pytest.fixture
def says(our_kinds: ControlPlane, namespace: str) -> Says:
    """Run a command on a pool `web` and an account `account`: exit code and both outputs."""
    body = pool("web", namespace, replicas=3, members=[member("east"), member("west", "gke")])
    other = account()
    other["metadata"]["namespace"] = namespace
    for made in (body, other):
        our_kinds.kubectl("apply", "--filename=-", input=json.dumps(made)).check_returncode()
    status = json.dumps({"status": {"members": MEMBERS, "replicas": 6, "desiredReplicas": 6}})
    our_kinds.kubectl(
        "patch", "mcpool/web", f"--namespace={namespace}", "--subresource=status", "--type=merge", f"--patch={status}"
    ).check_returncode()

    def run(*arguments: str) -> tuple[int, str, str]:
        said = multicloud_says(*arguments, "-n", namespace, f"--kubeconfig={our_kinds.kubeconfig}")
        return said.returncode, said.stdout, said.stderr

    return run


@pytest.fixture
def annotations(our_kinds: ControlPlane, namespace: str) -> Callable[[str], Mapping[str, str]]:
    """What an object is annotated with, short of what kubectl writes."""

    def read(what: str = "mcpool/web") -> Mapping[str, str]:
        got = our_kinds.kubectl("get", what, f"--namespace={namespace}", "--output=json")
        found: dict[str, str] = json.loads(got.stdout)["metadata"].get("annotations") or {}
        return {key: value for key, value in found.items() if key.startswith("multicloud.dev/")}

    return read


Annotations = Callable[..., Mapping[str, str]]


def test_adopt_adds_to_what_was_consented_to_and_tells_the_floors(says: Says, annotations: Annotations) -> None:
    code, told, _ = says("adopt", "web", "west")
    assert (code, annotations()) == (0, {"multicloud.dev/adopt": "west"})
    assert "west has no floor" in told
    code, told, _ = says("adopt", "web", "east")
    assert (code, annotations()) == (0, {"multicloud.dev/adopt": "east,west"})
    assert "below the 4 nodes" in told
    assert "6 units desired" in told
    code, told, _ = says("adopt", "web", "east")
    assert "consented to before" in told
    says("adopt", "web", "--all")
    assert annotations() == {"multicloud.dev/adopt": "*"}
    assert "consented to before" in says("adopt", "web", "west")[1]
    assert annotations() == {"multicloud.dev/adopt": "*"}


def test_adopt_names_no_strangers(says: Says, annotations: Annotations) -> None:
    code, _, problem = says("adopt", "web", "east", "wset")
    assert (code, annotations()) == (1, {})
    assert "wset" in problem
    assert "east, west" in problem


@pytest.fixture
def drifted(says: Says, our_kinds: ControlPlane, namespace: str) -> None:
    """Others added two nodes to `east`; somebody accepted what they did to `west`."""
    status = json.dumps({"status": {"members": DRIFTED}})
    our_kinds.kubectl(
        "patch", "mcpool/web", f"--namespace={namespace}", "--subresource=status", "--type=merge", f"--patch={status}"
    ).check_returncode()


@pytest.mark.usefixtures("drifted")
def test_a_word_about_drift_is_bound_to_what_status_shows(says: Says, annotations: Annotations) -> None:
    code, told, _ = says("accept-drift", "web", "east", "west")
    assert (code, annotations()) == (0, {"multicloud.dev/accept-drift": f"east@{ADDED}"})
    assert "member west has no size that others set" in told
    assert "member east keeps the size" in told
    code, told, _ = says("correct-drift", "web", "west")
    assert (code, annotations()["multicloud.dev/correct-drift"]) == (0, "west@2026-11-28T02:10:01.250000+00:00")
    code, told, _ = says("correct-drift", "web", "--all")
    assert "member east goes back" in told
    entries = {f"east@{ADDED}", "west@2026-11-28T02:10:01.250000+00:00"}
    assert set(annotations()["multicloud.dev/correct-drift"].split(",")) == entries


def test_where_nothing_drifted_there_is_nothing_to_say(says: Says, annotations: Annotations) -> None:
    code, told, _ = says("accept-drift", "web", "--all")
    assert (code, annotations()) == (0, {})
    assert "nothing to do" in told


def test_a_word_about_drift_names_no_strangers(says: Says, annotations: Annotations) -> None:
    code, _, problem = says("correct-drift", "web", "wset")
    assert (code, annotations()) == (1, {})
    assert "east, west" in problem


def test_pause_and_resume_of_a_pool(says: Says, annotations: Annotations, our_kinds: ControlPlane) -> None:
    assert says("pause", "web")[0] == 0
    assert says("pause", "web", "--scale-in")[0] == 0
    assert annotations() == {"multicloud.dev/paused": "true", "multicloud.dev/paused-scale-in": "true"}
    code, told, _ = says("resume", "web")
    assert (code, annotations()) == (0, {"multicloud.dev/paused-scale-in": "true"})
    assert "resume --scale-in" in told
    assert says("resume", "web", "--scale-in")[0] == 0
    assert annotations() == {}
    assert "was not paused" in says("resume", "web")[1]


def test_resume_tells_of_a_pause_that_stands_in_the_spec(says: Says, our_kinds: ControlPlane, namespace: str) -> None:
    patch = f"--namespace={namespace}", "--type=merge", '--patch={"spec": {"paused": true}}'
    our_kinds.kubectl("patch", "mcpool/web", *patch).check_returncode()
    assert "spec.paused" in says("resume", "web")[1]


def test_pause_and_resume_of_an_account(says: Says, annotations: Annotations) -> None:
    assert says("pause", "--account", "account")[0] == 0
    assert annotations("cacct/account") == {"multicloud.dev/paused": "true"}
    assert says("resume", "--account", "account")[0] == 0
    assert annotations("cacct/account") == {}


def test_an_override_is_what_the_operator_reads(
    says: Says, annotations: Annotations, our_kinds: ControlPlane, namespace: str
) -> None:
    before = SystemClock().now()
    code, told, _ = says("override", "web", "--min", "8", "--max", "12", "--for", "1h30m", "--reason", "INC-42 ünsere")
    assert code == 0
    got = our_kinds.kubectl("get", "mcpool/web", f"--namespace={namespace}", "--output=json").stdout
    spec = pool_object(json.loads(got)).spec
    assert spec is not None
    found = spec.override
    assert isinstance(found, Override)
    assert (found.min_replicas, found.max_replicas, found.reason) == (8, 12, "INC-42 ünsere")
    assert timedelta(minutes=89) < found.until - before < timedelta(minutes=91)
    assert "at least 8 and at most 12 units" in told
    assert "spec.maxReplicas is 10" not in told
    shown = ("--output=jsonpath={.metadata.managedFields[*].manager}", "--show-managed-fields")
    managers = our_kinds.kubectl("get", "mcpool/web", f"--namespace={namespace}", *shown).stdout.split()
    assert "multicloud-command-line" in managers
    assert says("override", "web", "--clear")[0] == 0
    assert annotations() == {}
    assert "no override" in says("override", "web", "--clear")[1]


def test_an_override_tells_that_the_pools_bounds_stay_outermost(says: Says) -> None:
    told = says("override", "web", "--replicas", "90", "--for", "2d", "--reason", "launch")[1]
    assert "exactly 90 units" in told
    assert "spec.maxReplicas is 10" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("pause", "nothing"), "multicloudpools", id="no such pool"),
        pytest.param(("resume", "--account", "nothing"), "cloudaccounts", id="no such account"),
    ],
)
def test_what_does_not_exist_is_an_error_that_says_where_to_look(
    says: Says, arguments: tuple[str, ...], told: str
) -> None:
    code, out, problem = says(*arguments)
    assert (code, out) == (1, "")
    assert told in problem


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_the_object_may_be_printed_as_it_is_afterwards(says: Says, form: str, read: Callable[[str], Any]) -> None:
    code, out, words = says("pause", "web", "-o", form)
    assert code == 0
    assert read(out)["metadata"]["annotations"]["multicloud.dev/paused"] == "true"
    assert "no cloud write" in words


def test_without_rights_the_servers_own_words_are_told(our_kinds: ControlPlane, namespace: str, says: Says) -> None:
    nobody = our_kinds.kubeconfig_for("nobody")
    said = multicloud_says("pause", "web", "-n", namespace, f"--kubeconfig={nobody}")
    assert said.returncode == 1
    assert "nobody" in said.stderr
