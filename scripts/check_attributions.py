"""Run one check of the attributions of a net; the first argument is its name.

`conservation`: how much of the logit LRP conserves down to the pixels; `log_odds`: change of the
log-odds of two classes when pixels are erased; `randomization`: similarity of the maps after
parameter randomization; `spread`: variance of an attribution over stochastic passes.
"""

from plumbline.runtime import cli

if __name__ == "__main__":
    cli.run_part("plumbline.programs.check_attributions", __doc__)
