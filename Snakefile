# Plumbline: five studies of image classifiers as one workflow.
# Configuration: config/config.yaml (documented there); --configfile overrides its values.
# All outputs are written to the folder `results` of the configuration.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


report: "docs/workflow.rst"


include: "rules/common.smk"


# A workflow that includes this one as a module controls the terminal itself.
if workflow.is_main_process and workflow.modifier.is_main_snakefile():
    shorten(workflow)


onstart:
    # Disable the job-rate limiter for local runs: each finished job leaves a polling timer behind.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


onsuccess:
    report_html = Path(results("report/index.html"))
    # Only if this run built the report; otherwise the file may be out of date.
    if report_html.exists() and any(
        job.rule.name == "build_report" for job in workflow.dag.jobs
    ):
        print(f"The report: {report_html.resolve()}")


onerror:
    # After Ctrl-C, Snakemake cancels its SLURM jobs but may still submit pending ones.
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
