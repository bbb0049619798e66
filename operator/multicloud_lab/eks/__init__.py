"""EKS managed node groups, their Auto Scaling groups, and STS's caller identity, on loopback.

`EksEngine` holds the rules; `start` serves them on three ports as boto3 speaks to them: `eks`
(rest-json), `autoscaling` and `sts` (query). Shapes and routes come from botocore's own models.
"""

from multicloud_lab.eks.engine import EksEngine
from multicloud_lab.eks.wire import EksWire, start

__all__ = ["EksEngine", "EksWire", "start"]
