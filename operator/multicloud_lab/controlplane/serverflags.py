"""The command lines of etcd and kube-apiserver, and why they are what they are.

Read by ``server``, which hands them to ``guard``. Both run with the instance's
directory as their working directory, so that the sockets' names are short: a
Unix socket's path has room for about a hundred characters.
"""

from pathlib import Path
from typing import Final

from multicloud_lab.controlplane.guard import Command
from multicloud_lab.controlplane.programs import Programs

ETCD_LOG: Final = "etcd.log"
API_SERVER_LOG: Final = "kube-apiserver.log"
_ETCD: Final = "unix://etcd.sock"
_PEER: Final = "unix://peer.sock"


def commands(found: Programs, directory: Path, port: int) -> list[Command]:
    """Return both programs in starting order; the API server will listen on ``port``."""
    return [
        Command(argv=[str(found.etcd), *_etcd_flags()], log=str(directory / ETCD_LOG)),
        Command(
            argv=[str(found.kube_apiserver), *_api_server_flags(port)],
            log=str(directory / API_SERVER_LOG),
        ),
    ]


def _etcd_flags() -> list[str]:
    # A socket in a directory of mode 0700 instead of a loopback port: whoever can
    # talk to etcd is past RBAC, and no port can be lost to another program.
    return [
        "--name=lab",
        "--data-dir=etcd",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_PEER}",
        f"--initial-advertise-peer-urls={_PEER}",
        f"--initial-cluster=lab={_PEER}",
        # The state need not survive a power cut, only the process.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _api_server_flags(port: int) -> list[str]:
    return [
        f"--etcd-servers={_ETCD}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        # Nobody reaches the server through the `kubernetes` Service, whose endpoints
        # may not be loopback addresses anyway.
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        "--client-ca-file=pki/ca.crt",
        "--tls-cert-file=pki/server.crt",
        "--tls-private-key-file=pki/server.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file=pki/service-account.pub",
        "--service-account-signing-key-file=pki/service-account.key",
        # Both wait for controllers that do not run here: the first refuses pods until
        # their namespace has a default service account, the second adds finalizers
        # that nobody takes away.
        "--disable-admission-plugins=ServiceAccount,StorageObjectInUseProtection",
        "--profiling=false",
    ]
