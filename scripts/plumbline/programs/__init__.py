"""Subcommands of the programs that have several; each is a module with `arguments` and `main`."""
