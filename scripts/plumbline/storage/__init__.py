"""Files, tables, artefacts and checkpoints."""
