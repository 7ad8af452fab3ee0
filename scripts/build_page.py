"""Build one page of HTML that needs nothing beside it; the first argument names its kind.

`report`: claims, figures, tables and provenance of a run; `explorer`: the latent maps of one
dataset, to point at; `leaderboard`: all scores, to sort and to filter.
"""

from plumbline.runtime import cli

if __name__ == "__main__":
    cli.run_part("plumbline.programs.build_page", __doc__)
