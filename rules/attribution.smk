# Explanations of single decisions, and the test that all methods and controls go through.


rule explain:
    input:
        classifier=classifier(),
        images=results("data/{dataset}/test.safetensors"),
    output:
        results("attribution/{dataset}/{model}/{method}.safetensors"),
    log:
        log("explain/{dataset}/{model}/{method}"),
    benchmark:
        bench("explain/{dataset}/{model}/{method}")
    conda:
        "../envs/attribution.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=3000,
        runtime=240,
    params:
        code=lambda w: code(
            "explain.py",
            "attribution",
            ATTRIBUTIONS.file(w.method),
            NETWORKS.file(w.model),
        ),
        options=lambda w: options(
            method_options(CONFIG.attribution.methods, w.method),
            method=w.method,
            count=CONFIG.attribution.images_of(w.method),
            **runtime("explain", w.dataset, w.model, w.method),
        ),
    shell:
        r"""
        python "$SCRIPTS/explain.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            {params.options} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule degrade:
    input:
        classifier=classifier(),
        images=results("data/{dataset}/test.safetensors"),
        train=results("data/{dataset}/train.safetensors"),
        attribution=results("attribution/{dataset}/{model}/{method}.safetensors"),
    output:
        results("attribution/{dataset}/{model}/{method}.csv"),
    log:
        log("degrade/{dataset}/{model}/{method}"),
    benchmark:
        bench("degrade/{dataset}/{model}/{method}")
    conda:
        "../envs/attribution.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=3000,
        runtime=60,
    params:
        code=lambda w: code("degrade.py", "attribution", NETWORKS.file(w.model)),
        options=lambda w: options(
            CONFIG.attribution.degradation,
            dataset=w.dataset,
            model=w.model,
            **runtime("degrade", w.dataset, w.model, w.method),
        ),
    shell:
        r"""
        python "$SCRIPTS/degrade.py" \
            --classifier {input.classifier:q} \
            --images {input.images:q} \
            --train {input.train:q} \
            --attribution {input.attribution:q} \
            {params.options} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """
