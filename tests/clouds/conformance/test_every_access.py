"""What every cloud's way into its clusters must do: address, authority and a token that the cluster itself takes."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kubernetes.client.exceptions import ApiException

from multicloud.model.error import CloudError, Refused
from multicloud.model.member import ClusterCredential
from multicloud.model.port import ClusterAccess
from multicloud.model.reason import Code
from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.faultkinds import Answer
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support import member
from support.azuredoor import Fence
from support.clouds import Ground, wrong_secret_of

READS = {"aws": "DescribeCluster", "azure": "ManagedClusters_ListClusterUserCredentials", "gcp": "GetCluster"}
ACTIONS = {
    "aws": "eks:DescribeCluster",
    "azure": "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
    "gcp": "container.clusters.get",
}


def access_of(lab: LabThread, ground: Ground, fence: Fence) -> ClusterAccess:
    access = ground.door(lab, fence).access
    assert access is not None
    return access


def credential_of(lab: LabThread, ground: Ground, fence: Fence) -> ClusterCredential:
    return access_of(lab, ground, fence).credential(ground.web.cluster, None)


def test_it_leads_to_the_clusters_own_api_and_is_let_in(lab: LabThread, ground: Ground, fence: Fence) -> None:
    credential = credential_of(lab, ground, fence)
    where = member.place(lab, ground.cloud, ground.web.cluster.name)
    assert (credential.url, credential.ca_pem) == (where["url"], Path(where["caFile"]).read_text())
    with member.api(lab, ground.cloud, credential.token, ground.web.cluster.name) as api:
        assert len(api.list_node().items) >= 4
    assert fence.asked == 0


def test_without_the_token_the_cluster_answers_401(lab: LabThread, ground: Ground, fence: Fence) -> None:
    credential = credential_of(lab, ground, fence)
    for bearer in (None, credential.token[:-8] + base64.urlsafe_b64encode(b"wrong!").decode()):
        with (
            member.api(lab, ground.cloud, bearer, ground.web.cluster.name) as api,
            pytest.raises(ApiException) as caught,
        ):
            api.list_node()
        assert caught.value.status == 401


def test_it_says_when_the_token_ends_and_hides_it(lab: LabThread, ground: Ground, fence: Fence) -> None:
    credential = credential_of(lab, ground, fence)
    assert credential.expires_at is not None
    left = credential.expires_at - datetime.fromtimestamp(wall_time_s(), UTC)
    assert timedelta(minutes=10) < left <= timedelta(hours=25)
    assert credential.token not in repr(credential)


def test_an_unknown_cluster_is_refused(lab: LabThread, ground: Ground, fence: Fence) -> None:
    with pytest.raises(Refused) as caught:
        access_of(lab, ground, fence).credential(ground.elsewhere(cluster="no-such").cluster, None)
    assert caught.value.reason.code is Code.NOT_FOUND


def test_a_denied_read_names_itself(lab: LabThread, ground: Ground, fence: Fence) -> None:
    known = lab.document["credentials"]
    principal = {"aws": "lab", "azure": known["azure"]["clientId"], "gcp": known["gcp"]["client_email"]}[ground.cloud]
    lab.run(lambda running: running.permissions.deny(principal, ACTIONS[ground.cloud]))
    with pytest.raises(Refused) as caught:
        credential_of(lab, ground, fence)
    assert caught.value.reason.code is Code.DENIED
    assert ACTIONS[ground.cloud] in caught.value.reason.text


def test_a_secret_that_the_cloud_does_not_accept(lab: LabThread, ground: Ground, fence: Fence) -> None:
    access = ground.door(lab, fence, wrong_secret_of(ground.cloud, lab.document)).access
    assert access is not None
    with pytest.raises(Refused) as caught:
        access.credential(ground.web.cluster, None)
    assert caught.value.reason.code is Code.AUTH_FAILED


@pytest.mark.parametrize("status", [500, 503])
def test_a_broken_cloud_is_no_cluster_without_access(lab: LabThread, ground: Ground, fence: Fence, status: int) -> None:
    lab.place(Fault(match=Match(operation=READS[ground.cloud]), action=Answer(status=status)))
    with pytest.raises(CloudError) as caught:
        credential_of(lab, ground, fence)
    assert not isinstance(caught.value, Refused)


def test_a_new_token_for_a_known_cluster_asks_nothing_of_its_cloud(
    lab: LabThread, ground: Ground, fence: Fence
) -> None:
    access = access_of(lab, ground, fence)
    known = access.credential(ground.web.cluster, None)
    asked = len(reads(lab, ground))
    again = access.credential(ground.web.cluster, known)
    assert (again.url, again.ca_pem, len(reads(lab, ground))) == (known.url, known.ca_pem, asked)
    with member.api(lab, ground.cloud, again.token, ground.web.cluster.name) as api:
        api.list_node()


def reads(lab: LabThread, ground: Ground) -> list[dict[str, object]]:
    return [entry for entry in lab.journal() if entry["operation"] == READS[ground.cloud]]
