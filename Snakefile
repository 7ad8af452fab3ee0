# Plumbline: five studies of image classifiers as one workflow.
# Configuration: config/config.yaml, commented; others are laid over it with --configfile.
# Everything that is made lands in the folder that the configuration calls `results`.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


report: "docs/workflow.rst"


include: "rules/common.smk"


# Another workflow that this one is a part of has its own terminal.
if workflow.is_main_process and workflow.modifier.is_main_snakefile():
    shorten(workflow)


onstart:
    # Snakemake 9.27 looks for work anew a timespan after each look, in a chain of its own for every
    # job that has ended: hundreds of looks a second late in a run, and a wait at its end.  Here
    # nobody needs the limit of jobs per timespan that they serve.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


onsuccess:
    report_html = Path(results("report/index.html"))
    # Not after a run for other files alone, whose report may be an older one.
    if report_html.exists() and any(
        job.rule.name == "build_report" for job in workflow.dag.jobs
    ):
        print(f"The report: {report_html.resolve()}")


onerror:
    # Ctrl-C cancels what SLURM has; Snakemake still submits what it was about to, and leaves that.
    cancel_submissions(log)


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
