"""Plumbline: what image classifiers see, how certain they are, and when they fail.

The library behind the workflow: mostly pure functions and small classes on tensors and tables,
in packages that import only from the layers below them.
"""

__version__ = "0.1.0"
