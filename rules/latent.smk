# Latent space: a VAE for every corpus, and maps of uncertainty over its two dimensions.


include: "common/latent.smk"


rule fit_vae:
    input:
        train=results("data/{dataset}/train.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
        others=lambda w: second_sets(w, "train"),
        held=lambda w: second_sets(w, "test"),
    output:
        vaes=of_vaes("vae"),
        codes=of_vaes("codes"),
    log:
        log("fit_vae/{dataset}/{corpus}"),
    benchmark:
        bench("fit_vae/{dataset}/{corpus}")
    conda:
        "../envs/latent.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=120,
    params:
        job=job(
            script="fit_vae.py",
            code=code("fit_vae.py", "latent"),
            options=lambda w: options(
                CONFIG.latent.vae,
                corpus=w.corpus,
                **runtime("fit_vae", w.dataset, w.corpus),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/fit_vae.py" \
            --train {input.train:q} \
            --test {input.test:q} \
            --others {input.others:q} \
            --held {input.held:q} \
            {params.job[options]} \
            --threads {threads} \
            --vaes {output.vaes:q} \
            --codes {output.codes:q} \
            >{log:q} 2>&1
        """


rule map_latent:
    input:
        vaes=rules.fit_vae.output.vaes,
        codes=rules.fit_vae.output.codes,
        test=results("data/{dataset}/test.safetensors"),
        classifiers=lambda w: nets(w.dataset, w.model, latent_nets(w.dataset, w.model)),
    output:
        maps=of_vaes("{model}"),
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
        mem_mb=memory(3000),
        runtime=120,
    params:
        job=job(
            script="map_latent.py",
            code=lambda w: code(
                "map_latent.py",
                "latent",
                NETWORKS.file(w.model),
                *map(ESTIMATORS.file, mapped_modules(w.dataset, w.model)),
            ),
            options=lambda w: options(
                CONFIG.latent.grid,
                estimators=mapped(w.dataset, w.model),
                starred=CONFIG.latent.points,
                attacked=attacked(w.corpus),
                dataset=w.dataset,
                corpus=w.corpus,
                model=w.model,
                **runtime("map_latent", w.dataset, w.corpus, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/map_latent.py" \
            --vaes {input.vaes:q} \
            --codes {input.codes:q} \
            --test {input.test:q} \
            --classifiers {input.classifiers:q} \
            {params.job[options]} \
            --threads {threads} \
            --maps {output.maps:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """


rule find_holes:
    input:
        vaes=rules.fit_vae.output.vaes,
        maps=rules.map_latent.output.maps,
        train=results("data/{dataset}/train.safetensors"),
    output:
        holes=results("latent/{dataset}/{corpus}/{model}.holes.safetensors"),
        table=results("latent/{dataset}/{corpus}/{model}.holes.csv"),
    log:
        log("find_holes/{dataset}/{corpus}/{model}"),
    benchmark:
        bench("find_holes/{dataset}/{corpus}/{model}")
    conda:
        "../envs/latent.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=60,
    params:
        job=job(
            script="find_holes.py",
            code=code("find_holes.py", "latent"),
            options=lambda w: options(
                estimators=list(mapped(w.dataset, w.model)),
                seed=derive(CONFIG.seed, "find_holes", w.dataset),
                device="cpu",
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/find_holes.py" \
            --vaes {input.vaes:q} \
            --maps {input.maps:q} \
            --train {input.train:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.holes:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """


# The seed is that of the corpus, not of the net: all nets are asked about the same pairs.
rule interpolate:
    input:
        vae=rules.fit_vae.output.vaes[0],
        test=results("data/{dataset}/test.safetensors"),
        classifiers=lambda w: nets(w.dataset, w.model, latent_nets(w.dataset, w.model)),
    output:
        interpolation=results(
            "latent/{dataset}/{corpus}/{model}.interpolation.safetensors"
        ),
        table=results("latent/{dataset}/{corpus}/{model}.interpolation.csv"),
    log:
        log("interpolate/{dataset}/{corpus}/{model}"),
    benchmark:
        bench("interpolate/{dataset}/{corpus}/{model}")
    conda:
        "../envs/latent.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=60,
    params:
        job=job(
            script="interpolate.py",
            code=lambda w: code(
                "interpolate.py",
                "latent",
                NETWORKS.file(w.model),
                *map(ESTIMATORS.file, mapped_modules(w.dataset, w.model)),
            ),
            options=lambda w: options(
                CONFIG.latent.interpolation,
                estimators=mapped(w.dataset, w.model),
                dataset=w.dataset,
                corpus=w.corpus,
                model=w.model,
                **runtime("interpolate", w.dataset, w.corpus),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/interpolate.py" \
            --vae {input.vae:q} \
            --test {input.test:q} \
            --classifiers {input.classifiers:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.interpolation:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """


rule sample_holes:
    input:
        vae=results("latent/{dataset}/in_distribution/vae.safetensors"),
        map=results("latent/{dataset}/in_distribution/{model}.safetensors"),
        holes=results("latent/{dataset}/in_distribution/{model}.holes.safetensors"),
    output:
        holes=results("latent/{dataset}/{model}/extension_holes.safetensors"),
        random=results("latent/{dataset}/{model}/extension_random.safetensors"),
    log:
        log("sample_holes/{dataset}/{model}"),
    benchmark:
        bench("sample_holes/{dataset}/{model}")
    conda:
        "../envs/latent.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        job=job(
            script="sample_holes.py",
            code=code("sample_holes.py", "latent"),
            options=lambda w: options(
                of=f"{CONFIG.latent.extension.estimator}.{CONFIG.latent.extension.measure}",
                count=CONFIG.latent.extension.images,
                seed=derive(CONFIG.seed, "sample_holes", w.dataset, w.model),
                device="cpu",
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/sample_holes.py" \
            --vae {input.vae:q} \
            --map {input.map:q} \
            --holes {input.holes:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.holes:q} \
            --random {output.random:q} \
            >{log:q} 2>&1
        """


# The seed is that of rule train: nets of one seed begin with the same weights, whatever the arm.
rule retrain:
    input:
        train=results("data/{dataset}/train.safetensors"),
        val=results("data/{dataset}/val.safetensors"),
        extra=results("latent/{dataset}/{model}/extension_{arm}.safetensors"),
    output:
        classifier=results(
            "models/{dataset}/{model}/extension/{arm}{seed}/classifier.safetensors"
        ),
        history=results("models/{dataset}/{model}/extension/{arm}{seed}/history.csv"),
    log:
        log("retrain/{dataset}/{model}/{arm}{seed}"),
    benchmark:
        bench("retrain/{dataset}/{model}/{arm}{seed}")
    wildcard_constraints:
        arm="random|holes",
    conda:
        "../envs/latent.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=480,
    params:
        job=job(
            script="retrain.py",
            code=lambda w: code("retrain.py", "latent", NETWORKS.file(w.model))
            + NETWORKS.maker(w.model),
            options=lambda w: options(
                CONFIG.training_options(w.dataset, w.model),
                target=CONFIG.latent.extension.target,
                model=NETWORKS.architecture(w.model),
                entry=NETWORKS.made_by(w.model),
                **runtime("train", w.dataset, w.model, int(w.seed)),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/retrain.py" \
            --train {input.train:q} \
            --val {input.val:q} \
            --extra {input.extra:q} \
            {params.job[options]} \
            --threads {threads} \
            --checkpoint {output.classifier:q}.checkpoint \
            --out {output.classifier:q} \
            --history {output.history:q} \
            >{log:q} 2>&1
        """


rule measure_extension:
    input:
        vae=results("latent/{dataset}/in_distribution/vae.safetensors"),
        map=results("latent/{dataset}/in_distribution/{model}.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
        others=lambda w: set_files(w, other_sets(w.dataset)),
        holes=rules.sample_holes.output.holes,
        random=rules.sample_holes.output.random,
        classifiers=lambda w: [extended_net(w, *each) for each in extended_nets()],
    output:
        results("latent/{dataset}/{model}/extension.csv"),
    log:
        log("measure_extension/{dataset}/{model}"),
    benchmark:
        bench("measure_extension/{dataset}/{model}")
    conda:
        "../envs/latent.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=60,
    params:
        job=job(
            script="measure_extension.py",
            code=lambda w: code(
                "measure_extension.py", "latent", NETWORKS.file(w.model)
            ),
            options=lambda w: options(
                names=[key.name for key in other_sets(w.dataset)],
                arms=[arm for arm, _ in extended_nets()],
                seeds=[seed for _, seed in extended_nets()],
                dataset=w.dataset,
                model=w.model,
                target=CONFIG.latent.extension.target,
                **runtime("measure_extension", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/measure_extension.py" \
            --vae {input.vae:q} \
            --map {input.map:q} \
            --test {input.test:q} \
            --others {input.others:q} \
            --holes {input.holes:q} \
            --random {input.random:q} \
            --classifiers {input.classifiers:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output:q} \
            >{log:q} 2>&1
        """
