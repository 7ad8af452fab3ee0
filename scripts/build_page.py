"""Build one self-contained HTML page; the first argument selects its kind.

`report`: claims, figures, tables and provenance of a run; `explorer`: interactive latent maps of
one dataset; `leaderboard`: a sortable, filterable table of all scores.
"""

from plumbline.runtime import cli

if __name__ == "__main__":
    cli.run_part("plumbline.programs.build_page", __doc__)
