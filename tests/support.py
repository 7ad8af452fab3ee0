"""Places and helpers that tests of several folders need."""

import argparse
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"


def run_script(script, *words, options=None):
    """Call a program's ``main`` in this process, as from a command line of ``words``.

    ``options`` is the model of the configuration whose fields are further arguments.
    """
    from plumbline.runtime import cli

    parser = argparse.ArgumentParser()
    script.arguments(parser)
    if options:
        cli.add_options(parser, options)
    args = parser.parse_args(list(map(str, words)))
    if options:
        args.options = cli.read_options(args, options)
    script.main(args)


class Malicious:
    """Creates a file where its pickle is loaded without care."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")
