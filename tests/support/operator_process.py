"""The operator as people run it: a process of its own, started, killed, frozen and asked for its metrics.

Its settings are a file; its log goes to a file whose end is in every message of a failed assertion.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

import requests
from prometheus_client.parser import text_string_to_metric_families

from support.forked import fork
from support.ports import free_port
from support.waiting import until

LAST_LINES = 40
START_S = 60.0
"""Longest start on a busy machine: every SDK is imported, then the lease of a dead one has to run out."""

STOPS_S = 10.0


def settings_for(document: Mapping[str, Any], *, kubeconfig: Path, namespace: str) -> dict[str, Any]:
    """Settings of a lively operator on the lab's clouds that serves one namespace."""
    arm, gke = document["arm"], document["gke"]
    return {
        "kubeconfig": str(kubeconfig),
        "namespace": namespace,
        "watchNamespaces": [namespace],
        "settleSeconds": 0.2,
        "settleMaxSeconds": 1,
        "callTimeoutSeconds": 5,
        "stopPollSeconds": 1,
        "lease": {
            # Short, but not so short that a busy machine loses it while SDKs are imported.
            "durationSeconds": 6,
            "renewDeadlineSeconds": 5,
            "retrySeconds": 1.2,
            "sendBudgetSeconds": 1,
            "takeoverMarginSeconds": 0.5,
        },
        "observe": {
            "intervalSeconds": 2,
            "describeSeconds": 4,
            "busyMinSeconds": 0.2,
            "busyMaxSeconds": 0.5,
            "quietSeconds": 1,
        },
        "guard": {"maxRemovedNodes": 1000, "maxAddedNodes": 1000},
        "clouds": {
            "aws": {name: {"url": document[name]["url"]} for name in ("eks", "autoscaling", "sts")},
            "azure": {
                "arm": {"url": arm["url"], "caFile": arm["caFile"]},
                "authority": {"url": arm["authority"], "caFile": arm["caFile"]},
            },
            "gcp": {
                "container": {"url": f"https://{gke['grpc']}", "caFile": gke["caFile"]},
                "compute": {"url": document["compute"]["url"]},
                "token": {"url": document["google"]["token"]},
                "resourceManager": {"url": document["google"]["resourceManager"]},
            },
        },
    }


class OperatorProcess:
    """One replica. A context manager: leaving it kills the process."""

    def __init__(self, directory: Path, name: str, settings: Mapping[str, Any]) -> None:
        """Keep settings and log in `directory`; `name` is who it is in the Lease."""
        self.name = name
        self.port = free_port()
        self.log = directory / f"{name}.log"
        self._file = directory / f"{name}.settings.json"
        whole = {**settings, "identity": name, "http": {"host": "127.0.0.1", "port": self.port}}
        self._file.write_text(json.dumps(whole))  # JSON is YAML
        self._process: BaseProcess | None = None
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy of the machine between us

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and return at once."""
        self._process = fork(["run", "--settings", str(self._file)], self.log)

    @property
    def process(self) -> BaseProcess:
        assert self._process is not None, "it has not been started"
        return self._process

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def revive(self) -> None:
        """Start it again if it has ended by itself, as a Deployment does: a busy machine may have cost it its lease."""
        if not self.runs:
            self.start()

    def kill(self) -> None:
        """SIGKILL: it does not finish anything."""
        if self._process is not None:
            self._process.kill()
            self._process.join(10)

    def end(self) -> int:
        """SIGTERM: an orderly end; returns the exit code."""
        self.process.terminate()
        return self.wait(40)

    def freeze(self) -> None:
        """SIGSTOP; returns when every thread stands still: on a busy machine some run on for a while."""
        self._signal(signal.SIGSTOP)
        until(lambda: set(self._states()) == {"T"}, f"{self.name} stands still", timeout_s=STOPS_S, tell=self.tail)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def wait(self, timeout_s: float) -> int:
        """Return the exit code when it has ended by itself."""
        self.process.join(timeout_s)
        code = self.process.exitcode
        assert code is not None, f"{self.name} did not end within {timeout_s} s\n{self.tail()}"
        return code

    def _states(self) -> Iterator[str]:
        """How the kernel says that each thread is: the letter after its name in brackets."""
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                yield (thread / "stat").read_text().rpartition(")")[2].split()[0]

    def _signal(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def until_ready(self, timeout_s: float = START_S) -> None:
        """Return when it answers /readyz with 200."""
        self._until(lambda: self._get("/readyz") is not None, "is ready", timeout_s)

    def readiness(self) -> str | None:
        """What /readyz says, whether it is ready or not; None when nobody answers."""
        try:
            return self._http.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).text
        except requests.RequestException:
            return None

    def until_leading(self, timeout_s: float = START_S) -> None:
        """Return when it holds the lease."""
        self._until(lambda: self.leads, "leads", timeout_s)

    @property
    def leads(self) -> bool:
        """What its metrics say about the lease."""
        return self.metric("leader_election_master_status") == 1

    def metric(self, name: str, **labels: str) -> float | None:
        """Sum of the samples of that name whose labels include these; None when it does not answer."""
        text = self._get("/metrics")
        if text is None:
            return None
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return sum(
            sample.value
            for sample in samples
            if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items())
        )

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        state = "runs" if self.runs else f"ended with {self.process.exitcode}"
        return "\n".join([f"--- {self.name} {state}; its log ends:", *lines[-LAST_LINES:]])

    def _until(self, look: Callable[[], bool], what: str, timeout_s: float) -> None:
        """As `until`, and no longer than the process lives."""
        until(lambda: look() or not self.runs, f"{self.name} {what}", timeout_s=timeout_s, tell=self.tail)
        assert self.runs, f"{self.name} ended before it {what}\n{self.tail()}"

    def _get(self, path: str) -> str | None:
        try:
            answer = self._http.get(f"http://127.0.0.1:{self.port}{path}", timeout=2)
        except requests.RequestException:
            return None
        return answer.text if answer.ok else None
