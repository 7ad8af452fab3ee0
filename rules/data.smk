# Images: obtain every dataset once and split it into train, val, calibration and test.
from plumbline.data.own import own_files

# Paths of mirror and downloads reach the script through the environment, which Snakemake does not
# track, so that moving them does not trigger reruns.
os.environ.update(PLUMBLINE_DOWNLOADS=CONFIG.data.downloads)
if CONFIG.data.mirror:
    os.environ.update(PLUMBLINE_MIRROR=CONFIG.data.mirror)


# Compute nodes of a cluster may have no network access.
localrules:
    fetch,


rule fetch:
    input:
        lambda w: [
            file
            for path in CONFIG.data.sources[w.dataset].own_paths.values()
            for file in own_files(path)
        ],
    output:
        results("data/{dataset}/manifest.json"),
    log:
        log("fetch/{dataset}"),
    benchmark:
        bench("fetch/{dataset}")
    conda:
        "../envs/data.yaml"
    resources:
        **needs(1000, minutes=240),
    params:
        job=job("fetch.py", "data", PLAN.data.fetch),
    shell:
        r"""
        python "$SCRIPTS/fetch.py" \
            --downloads "$PLUMBLINE_DOWNLOADS" \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """


rule prepare:
    input:
        results("data/{dataset}/manifest.json"),
    output:
        train=results("data/{dataset}/train.safetensors"),
        val=results("data/{dataset}/val.safetensors"),
        calibration=results("data/{dataset}/calibration.safetensors"),
        test=results("data/{dataset}/test.safetensors"),
    log:
        log("prepare/{dataset}"),
    benchmark:
        bench("prepare/{dataset}")
    conda:
        "../envs/data.yaml"
    resources:
        **needs(3000, minutes=60),
    params:
        job=job("prepare.py", "data", PLAN.data.prepare),
    shell:
        r"""
        python "$SCRIPTS/prepare.py" \
            --manifest {input:q} \
            {params.job[options]} \
            --train {output.train:q} \
            --val {output.val:q} \
            --calibration {output.calibration:q} \
            --test {output.test:q} \
            >{log:q} 2>&1
        """


# All levels of a shift share one seed, so that they are comparable.
rule shift_images:
    input:
        results("data/{dataset}/test.safetensors"),
    output:
        results(f"shifts/{{dataset}}/{SHIFTED}.safetensors"),
    log:
        log(f"shift_images/{{dataset}}/{SHIFTED}"),
    benchmark:
        bench(f"shift_images/{{dataset}}/{SHIFTED}")
    wildcard_constraints:
        shift=one_of(CONFIG.uncertainty.shifts),
        level="[0-9.e-]+",
    conda:
        "../envs/data.yaml"
    resources:
        **needs(1000, minutes=10),
    params:
        job=job("shift_images.py", "data", PLAN.data.shift_images),
    shell:
        r"""
        python "$SCRIPTS/shift_images.py" \
            --images {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
