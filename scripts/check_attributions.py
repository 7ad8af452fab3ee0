"""Check the attributions of one net; the first argument names the check.

`conservation`: what of the logit reaches the pixels; `log_odds`: what erasing pixels does to the
log-odds of two classes; `randomization`: whether maps change with the weights; `spread`: how far
an attribution varies over random passes.
"""

from plumbline.runtime import cli

if __name__ == "__main__":
    cli.run_part("plumbline.programs.check_attributions", __doc__)
