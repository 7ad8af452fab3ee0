# Plumbline: five studies of image classifiers as one workflow.
# Configuration: config/config.yaml, commented; others are laid over it with --configfile.
# Everything that is made lands in the folder that the configuration calls `results`.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


report: "docs/workflow.rst"


include: "rules/common.smk"


onsuccess:
    if Path(results("report/index.html")).exists():
        print(f"The report: {Path(results('report/index.html')).resolve()}")


rule all:
    default_target: True
    input:
        results("report/index.html"),


include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/attacks.smk"
include: "rules/uncertainty.smk"
include: "rules/latent.smk"
include: "rules/attribution.smk"
include: "rules/visualization.smk"
include: "rules/stability.smk"
include: "rules/detection.smk"
include: "rules/report.smk"
