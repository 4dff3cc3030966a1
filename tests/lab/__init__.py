"""The lab: a real Kubernetes with two nodes on this machine, for tests.

`python -m tests.lab up` starts it, `down` stops it; tests reach it through the fixtures in `plugin.py`. Read
`cluster.py` first: it says in which order things start. Nothing here is part of the product.
"""
