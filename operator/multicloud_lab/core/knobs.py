"""The lab's own knobs, turned again from the journal: faults, capacity, quotas, permissions."""

from typing import cast

from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.faultfile import read_fault
from multicloud_lab.core.journal import LAB, Entry
from multicloud_lab.core.lab import Lab


def turn_again(lab: Lab, entry: Entry) -> bool:
    """Turn the knob that the entry says was turned; False when it is about something else."""
    if entry.cloud != LAB:
        return False
    given = entry.arguments
    match entry.operation:
        case "PlaceFault":
            lab.faults.place(read_fault(given["fault"]))
        case "LiftFault":
            lab.faults.lift(str(given["id"]))
        case "SetCapacity":
            zone, kind = cast("str | None", given["zone"]), cast("str | None", given["type"])
            lab.capacity.set_free(str(given["cloud"]), zone, kind, cast("int | None", given["free"]))
        case "SetQuota":
            limit = Limit(nodes=cast("int | None", given["nodes"]), vcpus=cast("int | None", given["vcpus"]))
            lab.quotas.set_limit(str(given["cloud"]), str(given["account"]), str(given["region"]), limit)
        case "Deny":
            lab.permissions.deny(str(given["principal"]), str(given["action"]), str(given["resource"]))
        case "AllowOnly":
            actions = cast("list[str]", given["actions"])
            lab.permissions.allow_only(str(given["cloud"]), str(given["principal"]), actions)
        case "RestorePermissions":
            lab.permissions.restore(str(given["principal"]))
        case _:
            return False
    return True
