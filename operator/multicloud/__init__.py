"""EKS, AKS and GKE node pools as one pool of capacity."""
