# Uncertainty: predictions of every estimator on every image set, and estimates from them.


rule predict:
    input:
        classifiers=files(PLAN.uncertainty.nets),
        temperature=files(PLAN.uncertainty.temperature),
        sets=files(PLAN.uncertainty.sets),
    output:
        results("uncertainty/{dataset}/{model}/{estimator}.safetensors"),
    log:
        log("predict/{dataset}/{model}/{estimator}"),
    benchmark:
        bench("predict/{dataset}/{model}/{estimator}")
    conda:
        "../envs/uncertainty.yaml"
    resources:
        **needs(3000, minutes=120, gpu=1),
    params:
        job=job("predict.py", "uncertainty", PLAN.uncertainty.predict),
    shell:
        r"""
        python "$SCRIPTS/predict.py" \
            --classifiers {input.classifiers:q} \
            --temperature {input.temperature:q} \
            --sets {input.sets:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule score_uncertainty:
    input:
        files(PLAN.uncertainty.files),
    output:
        scores=results("uncertainty/{dataset}/{model}/scores.parquet"),
        table=results("uncertainty/{dataset}/{model}/measures.csv"),
        refusal=results("uncertainty/{dataset}/{model}/refusal.csv"),
    log:
        log("score_uncertainty/{dataset}/{model}"),
    benchmark:
        bench("score_uncertainty/{dataset}/{model}")
    conda:
        "../envs/uncertainty.yaml"
    resources:
        **needs(2000, minutes=30),
    params:
        job=job(
            "score_uncertainty.py", "uncertainty", PLAN.uncertainty.score_uncertainty
        ),
    shell:
        r"""
        python "$SCRIPTS/score_uncertainty.py" \
            --predictions {input:q} \
            {params.job[options]} \
            --scores {output.scores:q} \
            --out {output.table:q} \
            --refusal {output.refusal:q} \
            >{log:q} 2>&1
        """


rule sweep_uncertainty:
    input:
        classifiers=files(PLAN.training.nets),
        nets=files(PLAN.uncertainty.swept_nets),
        test=results("data/{dataset}/test.safetensors"),
    output:
        results("uncertainty/{dataset}/{model}/sweep.csv"),
    log:
        log("sweep_uncertainty/{dataset}/{model}"),
    benchmark:
        bench("sweep_uncertainty/{dataset}/{model}")
    conda:
        "../envs/uncertainty.yaml"
    resources:
        **needs(4000, minutes=240, gpu=1),
    params:
        job=job(
            "sweep_uncertainty.py", "uncertainty", PLAN.uncertainty.sweep_uncertainty
        ),
    shell:
        r"""
        python "$SCRIPTS/sweep_uncertainty.py" \
            --classifiers {input.classifiers:q} \
            --nets {input.nets:q} \
            --test {input.test:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """
