"""Tapio answers why something failed in a Kubernetes cluster.

An event walks one way: `raw` (what a source said) -> `unified` (what it means) -> `graph` (what caused what) -> an
explanation. The folders of the stages are named by what they do: `collectors`, `transforms`, `correlators`, `why`.
"""

__version__ = "0.1.0"
