# What a net takes for a class: images made for it, from pixels or from a generator's codes.


include: "common/visualization.smk"


rule fit_gan:
    input:
        results("data/{dataset}/train.safetensors"),
    output:
        generator=results("visualization/{dataset}/{generator}.safetensors"),
        history=results("visualization/{dataset}/{generator}.history.csv"),
    log:
        log("fit_gan/{dataset}/{generator}"),
    benchmark:
        bench("fit_gan/{dataset}/{generator}")
    conda:
        "../envs/visualization.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=240,
    params:
        job=job(
            script="fit_gan.py",
            code=lambda w: code(
                "fit_gan.py", "visualization", GENERATORS.file(w.generator)
            ),
            options=lambda w: options(
                CONFIG.visualization.generators[w.generator],
                generator=w.generator,
                **runtime("fit_gan", w.dataset, w.generator),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/fit_gan.py" \
            --train {input:q} \
            {params.job[options]} \
            --threads {threads} \
            --checkpoint {output.generator:q}.checkpoint \
            --out {output.generator:q} \
            --history {output.history:q} \
            >{log:q} 2>&1
        """


rule measure_gan:
    input:
        generator=rules.fit_gan.output.generator,
        history=rules.fit_gan.output.history,
        train=results("data/{dataset}/train.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
        classifiers=lambda w: [net(w.dataset, model) for model in CONFIG.models],
    output:
        samples=results("visualization/{dataset}/{generator}.samples.safetensors"),
        table=results("visualization/{dataset}/{generator}.csv"),
    log:
        log("measure_gan/{dataset}/{generator}"),
    benchmark:
        bench("measure_gan/{dataset}/{generator}")
    conda:
        "../envs/visualization.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(3000),
        runtime=60,
    params:
        job=job(
            script="measure_gan.py",
            code=lambda w: code(
                "measure_gan.py",
                "visualization",
                GENERATORS.file(w.generator),
                *map(NETWORKS.file, CONFIG.models),
            ),
            options=lambda w: options(
                dataset=w.dataset,
                models=CONFIG.models,
                **runtime("measure_gan", w.dataset, w.generator),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/measure_gan.py" \
            --generator {input.generator:q} \
            --history {input.history:q} \
            --train {input.train:q} \
            --test {input.test:q} \
            --classifiers {input.classifiers:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.samples:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """


# The seed does not depend on the entry, so that entries are compared from the same starts.
rule visualize:
    input:
        classifier=classifier,
        second=second_classifier,
        test=results("data/{dataset}/test.safetensors"),
        train=training_images,
        generator=searched_generator,
        against=compared_with,
    output:
        images=results("visualization/{dataset}/{model}/{visualization}.safetensors"),
        table=results("visualization/{dataset}/{model}/{visualization}.csv"),
    log:
        log("visualize/{dataset}/{model}/{visualization}"),
    benchmark:
        bench("visualize/{dataset}/{model}/{visualization}")
    conda:
        "../envs/visualization.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(4000),
        runtime=120,
    params:
        job=job(
            script="visualize.py",
            code=lambda w: code(
                "visualize.py",
                "visualization",
                VISUALIZATIONS.file(CONFIG.visualization.module_of(w.visualization)),
                *map(GENERATORS.file, searched(w)),
                *map(NETWORKS.file, judges(w)),
            ),
            options=lambda w: options(
                name=w.visualization,
                method=CONFIG.visualization.module_of(w.visualization),
                set=CONFIG.visualization.options_of(w.visualization),
                classes=CONFIG.visualization.classes,
                starts=CONFIG.visualization.starts,
                dataset=w.dataset,
                model=w.model,
                **runtime("visualize", w.dataset, w.model),
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/visualize.py" \
            --classifier {input.classifier:q} \
            --second {input.second:q} \
            --test {input.test:q} \
            --train {input.train:q} \
            --generator {input.generator:q} \
            --against {input.against:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.images:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """
