# Latent space: a VAE for every corpus, and maps of uncertainty over its two dimensions.


rule fit_vae:
    input:
        train=results("data/{dataset}/train.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
        others=files(PLAN.latent.second, split="train"),
        held=files(PLAN.latent.second, split="test"),
    output:
        vaes=results(PLAN.latent.vaes("vae")),
        codes=results(PLAN.latent.vaes("codes")),
    log:
        log("fit_vae/{dataset}/{corpus}"),
    benchmark:
        bench("fit_vae/{dataset}/{corpus}")
    conda:
        "../envs/latent.yaml"
    resources:
        **needs(3000, minutes=120, gpu=1),
    params:
        job=job("fit_vae.py", "latent", PLAN.latent.fit_vae),
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
        classifiers=files(PLAN.latent.nets),
    output:
        maps=results(PLAN.latent.vaes("{model}")),
        table=results("latent/{dataset}/{corpus}/{model}.csv"),
    log:
        log("map_latent/{dataset}/{corpus}/{model}"),
    benchmark:
        bench("map_latent/{dataset}/{corpus}/{model}")
    conda:
        "../envs/latent.yaml"
    resources:
        **needs(3000, minutes=120, gpu=1),
    params:
        job=job("survey_latent.py", "latent", PLAN.latent.map_latent),
    shell:
        r"""
        python "$SCRIPTS/survey_latent.py" maps \
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
    resources:
        **needs(3000, minutes=60),
    params:
        job=job("survey_latent.py", "latent", PLAN.latent.find_holes),
    shell:
        r"""
        python "$SCRIPTS/survey_latent.py" holes \
            --vaes {input.vaes:q} \
            --maps {input.maps:q} \
            --train {input.train:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.holes:q} \
            --table {output.table:q} \
            >{log:q} 2>&1
        """


# The seed depends on the corpus, not on the net, so that all nets see the same pairs.
rule interpolate:
    input:
        vae=rules.fit_vae.output.vaes[0],
        test=results("data/{dataset}/test.safetensors"),
        classifiers=files(PLAN.latent.nets),
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
    resources:
        **needs(3000, minutes=60, gpu=1),
    params:
        job=job("survey_latent.py", "latent", PLAN.latent.interpolate),
    shell:
        r"""
        python "$SCRIPTS/survey_latent.py" interpolation \
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
    resources:
        **needs(2000, minutes=10),
    params:
        job=job("survey_latent.py", "latent", PLAN.latent.sample_holes),
    shell:
        r"""
        python "$SCRIPTS/survey_latent.py" samples \
            --vae {input.vae:q} \
            --map {input.map:q} \
            --holes {input.holes:q} \
            {params.job[options]} \
            --threads {threads} \
            --out {output.holes:q} \
            --random {output.random:q} \
            >{log:q} 2>&1
        """


rule measure_extension:
    input:
        vae=results("latent/{dataset}/in_distribution/vae.safetensors"),
        map=results("latent/{dataset}/in_distribution/{model}.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
        others=files(PLAN.data.foreign),
        holes=rules.sample_holes.output.holes,
        random=rules.sample_holes.output.random,
        classifiers=files(PLAN.latent.extended_nets),
    output:
        results("latent/{dataset}/{model}/extension.csv"),
    log:
        log("measure_extension/{dataset}/{model}"),
    benchmark:
        bench("measure_extension/{dataset}/{model}")
    conda:
        "../envs/latent.yaml"
    resources:
        **needs(3000, minutes=60, gpu=1),
    params:
        job=job("measure_extension.py", "latent", PLAN.latent.measure_extension),
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
