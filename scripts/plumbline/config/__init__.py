"""The configuration: one model per stage, the single source of keys, types and defaults."""
