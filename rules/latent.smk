# Latent space: a VAE for every corpus, and maps of uncertainty over its two dimensions.


include: "common/latent.smk"


rule fit_vae:
    input:
        train=results("data/{dataset}/train.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
        others=lambda w: second_sets(w, "train"),
        held=lambda w: second_sets(w, "test"),
    output:
        vae=results("latent/{dataset}/{corpus}/vae.safetensors"),
        codes=results("latent/{dataset}/{corpus}/codes.safetensors"),
    log:
        log("fit_vae/{dataset}/{corpus}"),
    benchmark:
        bench("fit_vae/{dataset}/{corpus}")
    conda:
        "../envs/latent.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=3000,
        runtime=120,
    params:
        code=code("fit_vae.py", "latent"),
        options=lambda w: options(
            CONFIG.latent.vae,
            corpus=w.corpus,
            **runtime("fit_vae", w.dataset, w.corpus),
        ),
    shell:
        r"""
        python "$SCRIPTS/fit_vae.py" \
            --train {input.train:q} \
            --test {input.test:q} \
            --others {input.others:q} \
            --held {input.held:q} \
            {params.options} \
            --threads {threads} \
            --out {output.vae:q} \
            --codes {output.codes:q} \
            >{log:q} 2>&1
        """


rule map_latent:
    input:
        vae=rules.fit_vae.output.vae,
        codes=rules.fit_vae.output.codes,
        test=results("data/{dataset}/test.safetensors"),
        classifiers=lambda w: [
            classifier(seed) for seed in range(latent_nets(w.dataset, w.model))
        ],
    output:
        map=results("latent/{dataset}/{corpus}/{model}.safetensors"),
        table=results("latent/{dataset}/{corpus}/{model}.csv"),
    log:
        log("map_latent/{dataset}/{corpus}/{model}"),
    benchmark:
        bench("map_latent/{dataset}/{corpus}/{model}")
    conda:
        "../envs/latent.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=3000,
        runtime=120,
    params:
        code=lambda w: code(
            "map_latent.py",
            "latent",
            NETWORKS.file(w.model),
            *map(ESTIMATORS.file, mapped(w.dataset, w.model)),
        ),
        options=lambda w: options(
            CONFIG.latent.grid,
            estimators=mapped(w.dataset, w.model),
            dataset=w.dataset,
            corpus=w.corpus,
            model=w.model,
            **runtime("map_latent", w.dataset, w.corpus, w.model),
        ),
    shell:
        r"""
        python "$SCRIPTS/map_latent.py" \
            --vae {input.vae:q} \
            --codes {input.codes:q} \
            --test {input.test:q} \
            --classifiers {input.classifiers:q} \
            {params.options} \
            --threads {threads} \
            --out {output.map:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """
