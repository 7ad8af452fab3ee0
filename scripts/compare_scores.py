"""Compare scores as detectors; the first argument names what is compared.

`tasks`: all scores of one net, task by task; `ranks`: their ranks over all nets and tasks.
"""

from plumbline.runtime import cli

if __name__ == "__main__":
    cli.run_part("plumbline.programs.compare_scores", __doc__)
