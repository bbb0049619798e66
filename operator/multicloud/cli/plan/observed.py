"""Sizes of node pools from a file, refused with file and field."""

from pathlib import Path

from multicloud.cli.plan.files import Mistakes, parsed_yaml
from multicloud.kinds.observed import Sizes, observed_sizes


def read_observed(path: Path) -> Sizes:
    """Read the sizes. Raises Mistakes."""
    documents = [document for document in parsed_yaml(path) if document is not None]
    if len(documents) != 1:
        raise Mistakes([f"{path}: must hold one document, a map from namespace/pool to members"])
    sizes = observed_sizes(documents[0])
    if isinstance(sizes, list):
        raise Mistakes([f"{path}: {refusal}" for refusal in sizes])
    return sizes
