"""The plan of each stage: what its rules ask the configuration."""
