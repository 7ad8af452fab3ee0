"""Survey the latent space of a VAE; the first argument names what is asked.

`maps`: the uncertainty of a net over the space; `holes`: where a map is sure of what is far from
the data; `interpolation`: uncertainty on the way between test images; `samples`: images decoded
from holes, and from anywhere off the data.
"""

from plumbline.runtime import cli

if __name__ == "__main__":
    cli.run_part("plumbline.programs.survey_latent", __doc__)
