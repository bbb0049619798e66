"""Schedules as manifests spell them: what is taken, and what is refused with the path of the field."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from multicloud.kinds.schedule import Recurring
from multicloud.kinds.shape import problems
from multicloud.model.schedule import Schedule

NIGHTS = {"schedule": "0 1 * * *", "timeZone": "Europe/Berlin", "durationSeconds": 14400}


def test_a_schedule_is_read_with_its_zone() -> None:
    read = Recurring.model_validate(NIGHTS).to_schedule()
    assert read == Schedule(cron="0 1 * * *", zone=ZoneInfo("Europe/Berlin"), duration_s=14400)
    assert Recurring.model_validate({**NIGHTS, "timeZone": "UTC"}).to_schedule().zone.key == "UTC"


@pytest.mark.parametrize("cron", ["*/15 6-20 * * mon-fri", "0 0 1,15 * *", "0 3 * * SUN#1", "0 3 L * *"])
def test_what_cron_knows_is_taken(cron: str) -> None:
    assert Recurring.model_validate({**NIGHTS, "schedule": cron}).schedule == cron


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"schedule": "0 25 * * *"}, "spec.schedule: no schedule of cron, as in", id="no such hour"),
        pytest.param({"schedule": "0 1 * *"}, "spec.schedule: ", id="four fields"),
        pytest.param({"schedule": "0 0 1 * * *"}, "spec.schedule: ", id="with seconds"),
        pytest.param({"schedule": "@daily"}, "spec.schedule: ", id="a name"),
        pytest.param({"schedule": "0 1 * * *;reboot"}, "spec.schedule: ", id="a stranger's letters"),
        pytest.param({"schedule": "0 1-2-3 * * *"}, "spec.schedule: no schedule of cron, as in", id="a broken range"),
        pytest.param({"schedule": "0 */0 * * *"}, "spec.schedule: no schedule of cron, as in", id="a step of nothing"),
        pytest.param({"schedule": "0 0 30 2 *"}, "spec.schedule: no schedule of cron, as in", id="30 February"),
        pytest.param({"schedule": "0 0 */8 2 MON#5"}, "spec.schedule: there is no such day", id="never"),
        pytest.param(
            {"timeZone": "Europe/Atlantis"}, "spec.timeZone: no time zone of the IANA list is called", id="unknown"
        ),
        pytest.param(
            {"timeZone": "America/Argentina"},
            "spec.timeZone: no time zone of the IANA list is called",
            id="a directory",
        ),
        pytest.param({"timeZone": "../../etc/passwd"}, "spec.timeZone: ", id="a path"),
        pytest.param({"timeZone": "Local"}, "spec.timeZone: ", id="whatever the machine has"),
        pytest.param({"durationSeconds": 59}, "spec.durationSeconds: ", id="too short"),
        pytest.param({"durationSeconds": 604_801}, "spec.durationSeconds: ", id="longer than a week"),
        pytest.param({"durationSeconds": "1h"}, "spec.durationSeconds: ", id="no number"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_path(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Recurring.model_validate({**NIGHTS, **fields})
    assert problems(caught.value, "spec").startswith(told)
