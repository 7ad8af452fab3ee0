"""Plumbline: what image classifiers see, how sure they are, and when they fail.

The library behind the workflow: pure functions and small classes on tensors and
tables.  It knows no paths of the workflow, no configuration file and nothing of
Snakemake.
"""

__version__ = "0.1.0"
