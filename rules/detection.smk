# Detection: every score as a detector of wrong, adversarial and out-of-distribution images.


rule detect:
    input:
        scores=results("uncertainty/{dataset}/{model}/scores.parquet"),
        label_changes=expand(
            results("stability/{{dataset}}/{{model}}/{operator}.parquet"),
            operator=CONFIG.stability.operators,
        ),
        conductance=(
            results("stability/{dataset}/{model}/conductance.safetensors")
            if CONFIG.stability.operators
            else []
        ),
    output:
        results("detection/{dataset}/{model}.csv"),
    log:
        log("detect/{dataset}/{model}"),
    benchmark:
        bench("detect/{dataset}/{model}")
    conda:
        "../envs/detection.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code("detect.py", "detection"),
        options=lambda w: options(
            dataset=w.dataset,
            model=w.model,
            sets=list(image_sets(w.dataset, w.model)),
            seed=derive(CONFIG.seed, "detect", w.dataset, w.model),
        ),
    shell:
        r"""
        python "$SCRIPTS/detect.py" \
            --scores {input.scores:q} \
            --label-changes {input.label_changes:q} \
            --conductance {input.conductance:q} \
            {params.options} \
            --out {output:q} \
            >{log:q} 2>&1
        """
