"""What a recording keeps of what was on the wire, and what it does not."""

import json

import pytest

from multicloud.cli.check.redaction import Redaction

GUID = "6c2a0f4e-1111-4222-8333-0123456789ab"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzaG9wIn0.c2lnbmF0dXJlLW9mLWl0"
SESSION = "IQoJb3JpZ2luX2VjEHoaCXVzLWVhc3QtMSJHMEUCIQDabc/def+ghi=="


@pytest.mark.parametrize(
    "kept",
    [
        "us-east-1",
        "eu-central-1a",
        "europe-west1-b",
        "us-gov-west-1",
        "1.36.1-gke.1000000",
        "2026-08-01",
        "2026-11-28T06:11:43Z",
        "4096",
        "https://management.azure.com/subscriptions",
        "eks.eu-west-1.amazonaws.com",
    ],
)
def test_what_tells_nothing_of_anybody_stays(kept: str) -> None:
    assert Redaction().text(kept) == kept


@pytest.mark.parametrize(
    "gone",
    [
        "shop-prod",
        "111122223333",
        GUID,
        "pools@shop-prod-1.iam.gserviceaccount.com",
        "10.1.2.3",
        "fd00:ec2::23",
        "ip-10-0-0-1.ec2.internal",
        "i-0123456789abcdef0",
        "corp-east-1",
        TOKEN,
        SESSION,
    ],
)
def test_names_ids_and_secrets_go_wherever_they_stand(gone: str) -> None:
    redaction = Redaction([gone])
    sentence = f"User {gone} is not authorized: {gone}."
    told = [
        redaction.text(f"/subscriptions/{gone}/x"),
        redaction.path(f"/clusters/{gone}/node-groups"),
        str(redaction.query(f"token={gone}")),
        json.dumps(redaction.body(json.dumps({"unheardOf": {"deep": [gone]}, "message": sentence, gone: 1}))),
        json.dumps(redaction.body(f"Action=X&Something={gone}")),
        json.dumps(redaction.body(f'<R xmlns="http://a"><Who>{gone}</Who><Message>{sentence}</Message></R>')),
        json.dumps(redaction.body(f"<html><body>sorry, {gone}</body></html>")),
        json.dumps(redaction.body(f"plain {gone}")),
        json.dumps(redaction.headers({"Date": gone, "Authorization": gone, "Set-Cookie": gone, "X-Request-Id": gone})),
        json.dumps(redaction.value({"labels": {"team": gone}, "nodeTaints": [gone], "tags": {gone: gone}})),
    ]
    assert [text for text in told if gone.lower() in text.lower()] == []


def test_a_token_goes_also_where_nobody_said_that_it_is_one() -> None:
    told = json.dumps(
        Redaction().value({"message": f"The token {TOKEN} is expired: Bearer {SESSION}", "status": TOKEN})
    )
    for part in (TOKEN, SESSION, *TOKEN.split("."), SESSION[:20]):
        assert part not in told


@pytest.mark.parametrize("value", ["111122223333", GUID, "10.1.2.3", TOKEN, SESSION, "pools@shop.example"])
def test_what_is_no_vendors_word_goes_also_where_one_belongs(value: str) -> None:
    assert value not in json.dumps(Redaction().value({"code": value, "status": value}))


def test_what_refers_to_each_other_still_does() -> None:
    redaction = Redaction()
    arn = f"arn:aws:eks:us-east-1:111122223333:nodegroup/shop-prod/web/{GUID}"
    cluster, group = redaction.text("Shop-Prod"), redaction.text("web")
    told = redaction.text(arn).split(":")
    assert told[:4] == ["arn", "aws", "eks", "us-east-1"]
    assert len(told[4]) == 12
    assert told[5].split("/")[:3] == ["nodegroup", cluster, group]
    assert redaction.text(arn) == ":".join(told)


def test_a_sentence_keeps_its_words_but_not_the_names_that_it_says() -> None:
    redaction = Redaction(["web"])
    told = redaction.sentence("Agent pool 'web' of shop-prod1 is busy: OperationNotAllowed, try again.")
    assert told.startswith("Agent pool 'name-1' of name-2 is busy: OperationNotAllowed, try again.")


def test_statuses_codes_and_numbers_stay() -> None:
    kept = {
        "status": "DEGRADED",
        "errors": [{"code": "AsgInstanceLaunchFailures"}],
        "count": 4,
        "spot": None,
        "on": True,
    }
    assert Redaction().value(kept) == kept


def test_labels_tags_and_taints_are_left_out() -> None:
    told = {"labels": {"team": "payments"}, "nodeTaints": ["team=payments:NoSchedule"], "tags": {"cost": "42"}}
    assert Redaction().value(told) == {"labels": {}, "nodeTaints": [], "tags": {}}
