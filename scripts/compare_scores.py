"""Compare scores as detectors; the first argument selects the comparison.

`tasks`: all scores of one net on each task; `ranks`: mean ranks over all nets and tasks.
"""

from plumbline.runtime import cli

if __name__ == "__main__":
    cli.run_part("plumbline.programs.compare_scores", __doc__)
