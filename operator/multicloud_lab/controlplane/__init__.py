"""A real Kubernetes API server on this machine, for tests and the demo.

``ControlPlane`` starts kube-apiserver and etcd on loopback and stops them; they
end with the process that started them, however that one ends. The programs are
found or, once per machine, built with Go from this directory's ``go.mod``::

    with ControlPlane() as plane:
        plane.kubectl("apply", "-f", "crds/").check_returncode()
        client = connect(plane.kubeconfig)

``python -m multicloud_lab.controlplane build`` makes the programs ready ahead.
"""

from multicloud_lab.controlplane.errors import ControlPlaneError
from multicloud_lab.controlplane.programs import Programs, helm_path, programs
from multicloud_lab.controlplane.server import ControlPlane

__all__ = ["ControlPlane", "ControlPlaneError", "Programs", "helm_path", "programs"]
