"""Architectures of nets, one module each."""
