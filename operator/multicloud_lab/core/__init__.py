"""What the three clouds share: virtual clock, journal, nodes, gate, seed, certificates.

No HTTP, no gRPC, no SDK in here: the clouds' packages build their engines and wires on it.
"""
