"""Parts of the programs that have several: each a module with arguments and main."""
