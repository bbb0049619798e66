"""The API server by plain HTTP as its administrator: quicker than a kubectl per look, and nothing of our own between."""

from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from multicloud_lab.controlplane import ControlPlane

GROUP = "/apis/multicloud.dev/v1alpha1"
TIMEOUT_S = 20.0
MERGE = "application/merge-patch+json"
_PLURALS = {"ScalingPolicy": "scalingpolicies"}


class KubeApi:
    """Reads and writes of one namespace."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane = plane
        self.namespace = namespace
        self._session = requests.Session()
        self._session.trust_env = False  # else the machine's own certificate bundle would replace the server's
        # 429: a kind was just defined and its storage is being made.
        again = Retry(total=10, status_forcelist=[429], allowed_methods=None, raise_on_status=False)
        self._session.mount("https://", HTTPAdapter(max_retries=again))
        self._session.verify = str(plane.ca_file)
        pki = plane.data_dir / "pki"
        self._session.cert = (str(pki / "admin.crt"), str(pki / "admin.key"))

    def close(self) -> None:
        self._session.close()

    def path(self, body: Mapping[str, Any]) -> str:
        """The collection that an object belongs to."""
        version = body["apiVersion"]
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        return f"{root}/namespaces/{self.namespace}/{_PLURALS.get(body['kind'], body['kind'].lower() + 's')}"

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("POST", self.path(body), json=body)

    def refusal(self, body: Mapping[str, Any]) -> str | None:
        """Why the API server would not take an object, unknown fields included; None when it would."""
        query = {"dryRun": "All", "fieldValidation": "Strict"}
        answer = self._session.post(self.plane.url + self.path(body), params=query, json=body, timeout=TIMEOUT_S)
        return None if answer.ok else str(answer.json()["message"])

    def create_all(self, bodies: list[dict[str, Any]]) -> None:
        for body in bodies:
            self.create(body)

    def pool(self, name: str) -> dict[str, Any]:
        return self._call("GET", f"{GROUP}/namespaces/{self.namespace}/multicloudpools/{name}")

    def pools(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._call("GET", f"{GROUP}/namespaces/{self.namespace}/multicloudpools")["items"]
        return items

    def policy(self, name: str) -> dict[str, Any]:
        return self._call("GET", f"{GROUP}/namespaces/{self.namespace}/scalingpolicies/{name}")

    def account(self, name: str) -> dict[str, Any]:
        return self._call("GET", f"{GROUP}/namespaces/{self.namespace}/cloudaccounts/{name}")

    def edit(self, name: str, **patch: Any) -> dict[str, Any]:
        """Merge into a pool: `spec={…}`, `metadata={…}`; None takes a field away."""
        return self._patch(f"multicloudpools/{name}", patch)

    def scale(self, name: str, replicas: int) -> None:
        """What `kubectl scale` does."""
        self._patch(f"multicloudpools/{name}/scale", {"spec": {"replicas": replicas}})

    def delete_pool(self, name: str) -> None:
        self._call("DELETE", f"{GROUP}/namespaces/{self.namespace}/multicloudpools/{name}")

    def delete_config_map(self, name: str) -> None:
        self._call("DELETE", f"/api/v1/namespaces/{self.namespace}/configmaps/{name}")

    def lease(self, name: str) -> dict[str, Any]:
        spec: dict[str, Any] = self._call(
            "GET", f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{name}"
        )["spec"]
        return spec

    def events(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._call("GET", f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events")[
            "items"
        ]
        return items

    def _patch(self, what: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        path = f"{GROUP}/namespaces/{self.namespace}/{what}"
        return self._call("PATCH", path, json=patch, headers={"Content-Type": MERGE})

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self._session.request(method, self.plane.url + path, timeout=TIMEOUT_S, **options)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        decoded: dict[str, Any] = answer.json()
        return decoded
