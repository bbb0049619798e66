"""Instance groups through google-auth's AuthorizedSession, as the sizes of node pools are read."""

from typing import Any

import pytest
import requests
from google.auth.transport.requests import AuthorizedSession

from multicloud_lab.thread import LabThread

ZONAL_WEB = "projects/shop-prod-1/locations/europe-west1-b/clusters/shop-batch/nodePools/web"


@pytest.fixture
def root(lab: LabThread) -> str:
    return str(lab.document["compute"]["url"]) + "/compute/v1"


@pytest.fixture
def aggregated(root: str) -> str:
    return f"{root}/projects/shop-prod-1/aggregated/instanceGroupManagers"


def group_of(compute: AuthorizedSession, root: str, gke: Any) -> Any:
    (url,) = gke.get_node_pool(name=ZONAL_WEB).instance_group_urls
    return compute.get(root + url.removeprefix("https://www.googleapis.com/compute/v1")).json()


def found(answer: Any) -> list[str]:
    return [group["selfLink"] for scope in answer["items"].values() for group in scope.get("instanceGroupManagers", [])]


def test_one_list_holds_every_group_of_the_project(compute: AuthorizedSession, aggregated: str, gke: Any) -> None:
    answer = compute.get(aggregated).json()
    assert answer["kind"] == "compute#instanceGroupManagerAggregatedList"
    assert list(answer["items"]) == ["zones/europe-west1-b", "zones/europe-west1-c", "zones/europe-west1-d"]
    assert "nextPageToken" not in answer
    clusters = gke.list_clusters(parent="projects/shop-prod-1/locations/-").clusters
    assert sorted(found(answer)) == sorted(url for cluster in clusters for url in cluster.instance_group_urls)


@pytest.mark.parametrize("size", [1, 3, 4, 8])
def test_pages_hold_every_group_once(compute: AuthorizedSession, aggregated: str, size: int) -> None:
    links: list[str] = []
    query: dict[str, str] = {"maxResults": str(size)}
    for _ in range(9):
        page = compute.get(aggregated, params=query).json()
        assert 0 < len(found(page)) <= size
        links += found(page)
        if "nextPageToken" not in page:
            break
        query["pageToken"] = page["nextPageToken"]
    assert links == found(compute.get(aggregated).json())
    assert len(links) == len(set(links)) == 8


def test_a_zone_without_a_group_on_the_page_says_so(compute: AuthorizedSession, aggregated: str) -> None:
    page = compute.get(aggregated, params={"maxResults": "1"}).json()
    assert page["items"]["zones/europe-west1-d"]["warning"]["code"] == "NO_RESULTS_ON_PAGE"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param({"maxResults": "501"}, 400, id="page too large"),
        pytest.param({"maxResults": "many"}, 400, id="no number"),
        pytest.param({"pageToken": "x"}, 400, id="not base64"),
        pytest.param({"pageToken": "bm90aGluZw=="}, 400, id="a token of something else"),
        pytest.param({"filter": "name=x"}, 501, id="a filter would be ignored"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(
    compute: AuthorizedSession, aggregated: str, query: dict[str, str], status: int
) -> None:
    answer = compute.get(aggregated, params=query)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == status


def test_a_group_tells_what_its_instances_are_about(
    lab: LabThread, compute: AuthorizedSession, root: str, gke: Any
) -> None:
    group = group_of(compute, root, gke)
    assert group["name"].startswith("gke-shop-batch-web-")
    assert group["zone"].endswith("/zones/europe-west1-b")
    assert group["instanceGroup"].endswith(f"/zones/europe-west1-b/instanceGroups/{group['name']}")
    assert group["targetSize"] == 4
    assert group["status"]["isStable"]
    assert group["currentActions"]["none"] == 4

    gke.set_node_pool_size(request={"name": ZONAL_WEB, "node_count": 6})
    lab.advance(8)
    group = group_of(compute, root, gke)
    assert group["targetSize"] == 6
    assert not group["status"]["isStable"]
    assert (group["currentActions"]["none"], group["currentActions"]["creating"]) == (4, 2)

    lab.advance(300)
    gke.set_node_pool_size(request={"name": ZONAL_WEB, "node_count": 1})
    lab.advance(8)
    group = group_of(compute, root, gke)
    assert (group["targetSize"], group["status"]["isStable"]) == (1, False)
    assert (group["currentActions"]["none"], group["currentActions"]["deleting"]) == (1, 5)

    lab.advance(300)
    group = group_of(compute, root, gke)
    assert group["status"]["isStable"]
    assert sum(group["currentActions"].values()) == 1


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("projects/shop-prod-1/zones/europe-west1-b/instanceGroupManagers/nobody", id="group"),
        pytest.param("projects/somebody-else/aggregated/instanceGroupManagers", id="project"),
    ],
)
def test_what_is_not_there_is_not_found(compute: AuthorizedSession, root: str, path: str) -> None:
    answer = compute.get(f"{root}/{path}")
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["errors"][0]["reason"] == "notFound"
    assert "was not found" in error["message"]


def test_other_parts_of_compute_are_not_there(compute: AuthorizedSession, root: str) -> None:
    answer = compute.get(f"{root}/projects/shop-prod-1/zones/europe-west1-b/instances")
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (501, "UNIMPLEMENTED")
    assert error["errors"][0] == {"message": error["message"], "domain": "global", "reason": "notImplemented"}
    assert "does not serve GET /compute/v1/projects/shop-prod-1/zones/" in error["details"][0]["detail"]


@pytest.mark.parametrize(
    ("headers", "reason", "challenge"),
    [
        pytest.param({}, "required", 'Bearer realm="https://accounts.google.com/"', id="none"),
        pytest.param(
            {"Authorization": "Bearer ya29.made-up"},
            "authError",
            'Bearer realm="https://accounts.google.com/", error="invalid_token"',
            id="made up",
        ),
    ],
)
def test_without_a_credential_there_is_no_answer(
    lab: LabThread, aggregated: str, headers: dict[str, str], reason: str, challenge: str
) -> None:
    answer = requests.get(aggregated, headers=headers, timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == challenge
    error = answer.json()["error"]
    assert error["status"] == "UNAUTHENTICATED"
    assert error["errors"][0]["reason"] == reason
    (entry,) = lab.journal()
    assert (entry["principal"], entry["result"]) == ("anonymous", "UNAUTHENTICATED")
