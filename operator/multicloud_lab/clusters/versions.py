"""Which Kubernetes a member cluster runs: what its seed says, written as its vendor writes it."""

from multicloud_lab.clusters.place import Place
from multicloud_lab.core.seed import Seed

USUAL = "1.36.1"


def git_version(seed: Seed, place: Place) -> str:
    """Return the version with its v: v1.36.1-eks-1a2b3c4, v1.36.1, v1.36.1-gke.1000000."""
    seeded = [("aws", each.name, each.version) for each in seed.aws.clusters]
    seeded += [("azure", each.name, each.version) for each in seed.azure.clusters]
    seeded += [("gcp", each.name, each.version) for each in seed.gcp.clusters]
    version = next((version for *named, version in seeded if named == [place.cloud, place.cluster]), USUAL)
    if version.count(".") == 1:
        version += ".0"
    return f"v{version}-eks-1a2b3c4" if place.cloud == "aws" else f"v{version}"
