"""The workflow: plan, rules, code hashes, lineage, comparison of runs, RO-Crate, environments."""
