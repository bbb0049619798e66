"""One real Kubernetes control plane on loopback: etcd and kube-apiserver, nothing else.

The programs come from ``programs``, the certificates from ``pki``; both run
under ``guard``, which ends them when this process ends. Tests and the demo talk
to it through the kubeconfig files written here.

What is *not* there, because no controller runs: namespaces get no default
service account (so the ServiceAccount admission plug-in is off), a deleted
namespace stays Terminating, owner references delete nothing, Deployments make no
pods, and the roles ``view``, ``edit`` and ``admin`` are empty (a controller
gathers their rules).
"""

import contextlib
import fcntl
import hashlib
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from multicloud_lab.controlplane import guard
from multicloud_lab.controlplane.errors import ControlPlaneError
from multicloud_lab.controlplane.pki import Authority, service_account_keys, write_private
from multicloud_lab.controlplane.programs import Programs, programs
from multicloud_lab.controlplane.serverflags import commands

_ADMIN: Final = "multicloud-admin"
_READY_WITHIN_S: Final = 120.0
_LOOK_EVERY_S: Final = 0.05
_ANSWER_WITHIN_S: Final = 5.0
_KUBECTL_WITHIN_S: Final = 120.0
_GUARD_ENDS_WITHIN_S: Final = 15.0
_ATTEMPTS: Final = 5
_LAST_LINES: Final = 15
_GUARD_LOG: Final = "guard.log"
_PORT_TAKEN: Final = "address already in use"


@dataclass(frozen=True, slots=True)
class _Running:
    guard: subprocess.Popen[str]
    port: int


class ControlPlane:
    """A kube-apiserver with its etcd, started and stopped by one process.

    A context manager. With ``data_dir`` its objects, certificates, kubeconfig files and
    logs stay there, and a later start goes on with them; without, everything lives in a
    temporary directory that disappears with it. Several can run side by side, each in
    a directory of its own.
    """

    def __init__(self, data_dir: Path | None = None) -> None:
        """Prepare; nothing is found, built or started before :meth:`start`."""
        self._given = None if data_dir is None else data_dir.absolute()
        self._directory: Path | None = None
        self._programs: Programs | None = None
        self._authority: Authority | None = None
        self._running: _Running | None = None
        self._preferred_port: int | None = None
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Start; see :meth:`start`."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; see :meth:`stop`."""
        self.stop()

    def start(self) -> None:
        """Start both programs and return when the API server is ready.

        Builds the programs first where they are missing, which takes minutes (see
        ``programs``). A second start of the same object takes the port of the first
        one again if it is free. Raises ControlPlaneError with the end of the log when a
        program ends early or is not ready within two minutes.
        """
        if self._running is not None:
            return
        self._programs = programs()
        self._directory = self._make_directory()
        self._lock = _take(self._directory)
        try:
            self._authority = _certificates(self._directory / "pki")
            self._start_on_a_free_port()
            self._write_kubeconfig(self.kubeconfig, _ADMIN, ("system:masters",))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both programs; nothing happens when they do not run."""
        running, self._running = self._running, None
        if running is not None:
            _end(running.guard)
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._given is None and self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def data_dir(self) -> Path:
        """The directory of this instance: logs, certificates, kubeconfig files, etcd's files."""
        if self._directory is None:
            raise ControlPlaneError("the control plane has not been started; call start() first")
        return self._directory

    @property
    def url(self) -> str:
        """The API server's address, ``https://127.0.0.1:<port>``."""
        if self._running is None:
            raise ControlPlaneError("the control plane is not running; call start() first")
        return f"https://127.0.0.1:{self._running.port}"

    @property
    def ca_file(self) -> Path:
        """The certificate (PEM) that proves the API server."""
        return self.data_dir / "pki" / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig file of an administrator (group ``system:masters``)."""
        return self.data_dir / "kubeconfig"

    @property
    def programs(self) -> Programs:
        """The programs it runs."""
        if self._programs is None:
            raise ControlPlaneError("the control plane has not been started; call start() first")
        return self._programs

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Return a kubeconfig file of ``user`` in ``groups``, by client certificate.

        The user has the rights RBAC gives it, which are none at first. Raises ValueError
        for a name that does not fit a certificate (64 characters).
        """
        made_from = "\n".join((user, *sorted(groups)))
        name = hashlib.sha256(made_from.encode()).hexdigest()[:16]
        path = self.data_dir / "users" / f"{name}.kubeconfig"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._write_kubeconfig(path, user, groups)
        return path

    def kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002  the name subprocess.run gives it
        kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl against this server, as its administrator unless told otherwise.

        ``input`` is what it reads from standard input. A refusal is a result, not an
        error: look at ``returncode``, or call ``check_returncode()`` on the answer.
        """
        # kubectl keeps what it learned of a server by address; another instance may have
        # had this port before.
        cache = self.data_dir / "kubectl-cache"
        return subprocess.run(
            [
                self.programs.kubectl,
                f"--kubeconfig={kubeconfig or self.kubeconfig}",
                f"--cache-dir={cache}",
                *args,
            ],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=_KUBECTL_WITHIN_S,
            check=False,
        )

    def _make_directory(self) -> Path:
        if self._given is None:
            return Path(tempfile.mkdtemp(prefix="multicloud-controlplane-"))
        self._given.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._given.chmod(0o700)
        return self._given

    def _start_on_a_free_port(self) -> None:
        for _attempt in range(_ATTEMPTS):
            port = _free_port(self._preferred_port)
            running = self._running = _Running(self._launch(port), port)
            if self._ready(running):
                self._preferred_port = port
                return
            self._running = None
            early = _end(running.guard)
            # Between looking for a free port and listening on it, another program may
            # take it: only then is a second attempt worth anything.
            if _PORT_TAKEN not in self._log_end():
                raise self._failed(early or f"it was not ready within {_READY_WITHIN_S:.0f} s")
        raise self._failed(f"{_ATTEMPTS} free ports in turn were taken before it could listen")

    def _launch(self, port: int) -> subprocess.Popen[str]:
        directory = self.data_dir
        for socket_file in directory.glob("*.sock"):
            socket_file.unlink()
        for log in directory.glob("*.log"):
            log.unlink()
        orders = guard.Orders(
            commands=commands(self.programs, directory, port),
            remove=str(directory) if self._given is None else None,
        )
        with (directory / _GUARD_LOG).open("wb") as guard_log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(guard.__file__), json.dumps(orders)],
                cwd=directory,
                # The guard ends when the last copy of the other end is closed. Python marks it
                # not to be inherited; a process forked without exec would still hold it.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=guard_log,
                text=True,
                # Ctrl-C in a terminal is for the parent, which then stops in its own order.
                start_new_session=True,
                # The directory stays taken until the guard has ended, whatever becomes of us.
                pass_fds=() if self._lock is None else (self._lock.fileno(),),
            )

    def _ready(self, running: _Running) -> bool:
        deadline_s = time.monotonic() + _READY_WITHIN_S
        pki = self.data_dir / "pki"
        context = ssl.create_default_context(cafile=self.ca_file)
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        # The namespace `default` is made by the server itself, a moment after it is ready.
        waiting_for = ["/readyz", "/api/v1/namespaces/default"]
        while waiting_for and time.monotonic() < deadline_s:
            if _answers(running.port, waiting_for[0], context):
                del waiting_for[0]
                continue
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.guard.wait(_LOOK_EVERY_S)
                return False
        return not waiting_for

    def _log_end(self) -> str:
        lines: list[str] = []
        for log in sorted(self.data_dir.glob("*.log")):
            text = log.read_text(encoding="utf-8", errors="replace")
            lines += [f"  {log.name}: {line}" for line in text.splitlines()[-_LAST_LINES:]]
        return "\n".join(lines)

    def _failed(self, why: str) -> ControlPlaneError:
        return ControlPlaneError(
            f"the control plane did not start: {why}. The end of its logs:\n{self._log_end()}\n"
            f"Try again; if it stays, try other programs than {self.programs.kube_apiserver}."
        )

    def _write_kubeconfig(self, path: Path, user: str, groups: Sequence[str]) -> None:
        if self._authority is None:
            raise ControlPlaneError("the control plane has not been started; call start() first")
        pair = self._authority.client(user, groups)
        server = {"server": self.url, "certificate-authority-data": _base64(self.ca_file)}
        client = {
            "client-certificate-data": b64encode(pair.certificate).decode(),
            "client-key-data": b64encode(pair.private_key).decode(),
        }
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": server}],
            "users": [{"name": user, "user": client}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
            "current-context": "lab",
        }
        # JSON is YAML, and every reader of kubeconfig files takes it.
        write_private(path, json.dumps(content, indent=2).encode())


def _base64(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()


def _certificates(directory: Path) -> Authority:
    directory.mkdir(mode=0o700, exist_ok=True)
    authority = Authority(directory)
    pairs = {
        "server.crt": ("server.key", authority.server),
        "service-account.pub": ("service-account.key", service_account_keys),
        "admin.crt": ("admin.key", lambda: authority.client(_ADMIN, ("system:masters",))),
    }
    for certificate, (key, make) in pairs.items():
        # Kept over a restart on the same directory: tokens and kubeconfig files stay valid.
        if not (directory / key).exists():
            pair = make()
            (directory / certificate).write_bytes(pair.certificate)
            write_private(directory / key, pair.private_key)
    return authority


def _take(directory: Path) -> IO[str]:
    lock = (directory / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise ControlPlaneError(
            f"{directory} belongs to another control plane, which runs or is just ending: "
            "stop that one and try again, or take another directory"
        ) from None
    return lock


def _free_port(preferred: int | None) -> int:
    for candidate in (preferred, 0):
        if candidate is None:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            # As the server itself does: the closed connections of its last run do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", candidate))
            port: int = probe.getsockname()[1]
            return port
    raise ControlPlaneError("this machine has no free port on 127.0.0.1")


def _answers(port: int, path: str, context: ssl.SSLContext) -> bool:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[str]) -> str:
    """Stop the guard and with it both programs; return how one had ended before, if so."""
    try:
        told, _nothing = process.communicate("stop", timeout=_GUARD_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        told, _nothing = process.communicate()
    return told.strip()
