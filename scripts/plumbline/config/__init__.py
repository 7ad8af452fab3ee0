"""The configuration: one model per stage, the single source of names, types and defaults."""
