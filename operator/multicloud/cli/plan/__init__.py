"""`multicloud plan`: what the operator would do, from files alone or with what a cluster knows. Changes nothing.

files → worlds (objects, sizes) → snapshots → decide → shown
"""
