# Class visualization: images synthesized for a class, from pixels or from codes of a generator.


rule fit_generator:
    input:
        results("data/{dataset}/train.safetensors"),
    output:
        generator=results("visualization/{dataset}/{generator}.safetensors"),
        history=results("visualization/{dataset}/{generator}.history.csv"),
    log:
        log("fit_generator/{dataset}/{generator}"),
    benchmark:
        bench("fit_generator/{dataset}/{generator}")
    conda:
        "../envs/visualization.yaml"
    resources:
        **needs(3000, minutes=240, gpu=1),
    params:
        job=job("fit_generator.py", "visualization", PLAN.visualization.fit_generator),
    shell:
        r"""
        python "$SCRIPTS/fit_generator.py" \
            --train {input:q} \
            {params.job[options]} \
            --threads {threads} \
            --checkpoint {output.generator:q}.checkpoint \
            --out {output.generator:q} \
            --history {output.history:q} \
            >{log:q} 2>&1
        """


rule measure_generator:
    input:
        generator=rules.fit_generator.output.generator,
        history=rules.fit_generator.output.history,
        train=results("data/{dataset}/train.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
        classifiers=files(PLAN.visualization.judging_nets),
    output:
        samples=results("visualization/{dataset}/{generator}.samples.safetensors"),
        table=results("visualization/{dataset}/{generator}.csv"),
    log:
        log("measure_generator/{dataset}/{generator}"),
    benchmark:
        bench("measure_generator/{dataset}/{generator}")
    conda:
        "../envs/visualization.yaml"
    resources:
        **needs(3000, minutes=60, gpu=1),
    params:
        job=job(
            "measure_generator.py",
            "visualization",
            PLAN.visualization.measure_generator,
        ),
    shell:
        r"""
        python "$SCRIPTS/measure_generator.py" \
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


# The seed does not depend on the entry, so that all entries start from the same images.
rule visualize:
    input:
        classifier=files(PLAN.training.net),
        second=files(PLAN.visualization.second_files),
        test=results("data/{dataset}/test.safetensors"),
        train=files(PLAN.visualization.training_images),
        generator=files(PLAN.visualization.generator),
        against=files(PLAN.visualization.compared_with),
    output:
        images=results("visualization/{dataset}/{model}/{visualization}.safetensors"),
        table=results("visualization/{dataset}/{model}/{visualization}.csv"),
    log:
        log("visualize/{dataset}/{model}/{visualization}"),
    benchmark:
        bench("visualize/{dataset}/{model}/{visualization}")
    conda:
        "../envs/visualization.yaml"
    resources:
        **needs(4000, minutes=120, gpu=1),
    params:
        job=job("visualize.py", "visualization", PLAN.visualization.visualize),
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
