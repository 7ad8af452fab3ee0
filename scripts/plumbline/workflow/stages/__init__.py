"""The plan of each stage: inputs, outputs and options of its jobs."""
