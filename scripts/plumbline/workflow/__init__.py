"""The workflow itself: code hashes, lineage, comparison of runs, RO-Crate, environments."""
