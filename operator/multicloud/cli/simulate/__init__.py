"""`multicloud simulate`: what a ScalingPolicy would have done with a load, by the operator's own decision code.

files, trace → running (virtual time, one decision a step) → summary → shown, picture
"""
