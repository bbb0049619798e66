"""The scenario pack: what goes wrong between a client and its clouds, each as seed, script and facts of the journal.

`model` reads scenario files, `stage` plays one against a client program (`program`), `facts` judges the lab's
journal afterwards; `command` is `multicloud lab scenario`. `reference` is a careful client to start from.
"""
