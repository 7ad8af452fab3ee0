# Figures of the stage training.


rule plot_training:
    input:
        evaluation=of_models("models/{dataset}/{model}/evaluation.csv"),
        bins=of_models("models/{dataset}/{model}/reliability.csv"),
    output:
        accuracy=figure("accuracy", "training", "accuracy"),
        reliability=figure("reliability", "training", "reliability"),
    log:
        log("plot_training/{dataset}"),
    benchmark:
        bench("plot_training/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_training.py",
            code=code("plot_training.py", "report"),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_training.py" \
            --evaluation {input.evaluation:q} \
            --bins {input.bins:q} \
            --accuracy {output.accuracy:q} \
            --reliability {output.reliability:q} \
            >{log:q} 2>&1
        """


rule plot_training_curves:
    input:
        lambda w: [
            results(f"models/{w.dataset}/{model}/cross_entropy/{seed}/history.csv")
            for model, seed in PLAN.training.trained(w.dataset)
        ],
    output:
        figure("training_curves", "training", "training_curves"),
    log:
        log("plot_training_curves/{dataset}"),
    benchmark:
        bench("plot_training_curves/{dataset}")
    conda:
        "../../envs/report.yaml"
    resources:
        **needs(2000, minutes=10),
    params:
        job=plotted(
            script="plot_training_curves.py",
            code=code("plot_training_curves.py", "report"),
            options=lambda w: options(
                models=[model for model, _ in PLAN.training.trained(w.dataset)],
                seeds=[seed for _, seed in PLAN.training.trained(w.dataset)],
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/plot_training_curves.py" \
            --histories {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
