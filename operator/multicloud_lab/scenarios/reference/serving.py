"""The stage's protocol, one JSON object a line, in front of a reconciler."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from multicloud_lab.scenarios.reference.aks import AksDoor
from multicloud_lab.scenarios.reference.door import Door
from multicloud_lab.scenarios.reference.eks import EksDoor
from multicloud_lab.scenarios.reference.gke import GkeDoor
from multicloud_lab.scenarios.reference.http import Http, Json
from multicloud_lab.scenarios.reference.reconciler import Note, Reconciler

Maker = Callable[[Mapping[str, Door], Path], Reconciler]
Opener = Callable[[Json, float], Mapping[str, Door]]


def doors(document: Json, timeout_s: float) -> dict[str, Door]:
    """Return a door to every cloud of a lab's document."""
    plain = Http(timeout_s)
    return {
        "aws": EksDoor(document, plain),
        "azure": AksDoor(document, Http(timeout_s, document["arm"]["caFile"])),
        "gcp": GkeDoor(document, plain),
    }


def serve(asked: TextIO, said: TextIO, made: Maker = Reconciler, opened: Opener = doors) -> None:
    """Answer every line until there are no more; `opened` gives the doors to a document's clouds."""
    reconciler: Reconciler | None = None
    for line in asked:
        request = json.loads(line)
        answer: Json = {}
        if request["do"] == "start":
            reconciler = made(opened(request["document"], request["timeoutSeconds"]), Path(request["store"]))
        elif reconciler is not None and request["do"] == "wish":
            reconciler.wish(
                Note(
                    cloud=request["cloud"],
                    cluster=request["cluster"],
                    node_pool=request["nodePool"],
                    owner=request["owner"],
                    to=request["to"],
                    min=request["min"],
                    max=request["max"],
                )
            )
        elif reconciler is not None:
            answer = {"pools": reconciler.tick(request["now"])}
        said.write(json.dumps(answer) + "\n")
        said.flush()
