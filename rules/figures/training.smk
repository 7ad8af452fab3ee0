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
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        job=job(
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
            results(f"models/{w.dataset}/{model}/{CROSS_ENTROPY}/{seed}/history.csv")
            for model, seed in trained(w.dataset)
        ],
    output:
        figure("training_curves", "training", "training_curves"),
    log:
        log("plot_training_curves/{dataset}"),
    benchmark:
        bench("plot_training_curves/{dataset}")
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        job=job(
            script="plot_training_curves.py",
            code=code("plot_training_curves.py", "report"),
            options=lambda w: options(
                models=[model for model, _ in trained(w.dataset)],
                seeds=[seed for _, seed in trained(w.dataset)],
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
