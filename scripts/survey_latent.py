"""Survey the latent space of a VAE; the first argument selects the analysis.

`maps`: uncertainty of a net over the latent space; `holes`: regions off the data where the net is
certain; `interpolation`: uncertainty between pairs of test images; `samples`: images decoded from
holes, and from random points off the data.
"""

from plumbline.runtime import cli

if __name__ == "__main__":
    cli.run_part("plumbline.programs.survey_latent", __doc__)
