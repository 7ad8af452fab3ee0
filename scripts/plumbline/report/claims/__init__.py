"""The claims ledger: schema, judging, published tables."""
