"""Three emulated clouds on loopback (EKS, AKS, GKE), to try and to test node pools without a cloud.

The lab shares no code with the operator and must not import it: one misreading of a vendor's rule
cannot hide in both. It runs on one asyncio loop; state is touched only there.
"""
