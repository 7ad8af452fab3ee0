# Images: obtain every dataset once, divide it into train, val, calibration and test.
from plumbline.data.own import own_files

# Where files were found must not decide whether anything reruns: a mirror may move, and the
# downloads with it.  Both reach the script through the environment, which Snakemake does not
# track, and not among the options.
os.environ.update(PLUMBLINE_DOWNLOADS=CONFIG.data.downloads)
if CONFIG.data.mirror:
    os.environ.update(PLUMBLINE_MIRROR=CONFIG.data.mirror)


# The network is where the workflow was started, not on the nodes of a cluster.
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
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=240,
    params:
        job=job(
            script="fetch.py",
            code=lambda w: code(
                "fetch.py", "data", SOURCES.file(CONFIG.data.sources[w.dataset].kind)
            ),
            options=lambda w: options(
                CONFIG.data.origin(w.dataset), dataset=w.dataset
            ),
        ),
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
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=60,
    params:
        job=job(
            script="prepare.py",
            code=lambda w: code(
                "prepare.py", "data", READERS.file(CONFIG.data.sources[w.dataset].kind)
            ),
            options=lambda w: options(
                CONFIG.data.preparation(w.dataset),
                seed=runtime("prepare", w.dataset)["seed"],
            ),
        ),
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


# Every level of a shift has the same seed: levels compare the same draws.
rule shift:
    input:
        results("data/{dataset}/test.safetensors"),
    output:
        results(f"shifts/{{dataset}}/{SHIFTED}.safetensors"),
    log:
        log(f"shift/{{dataset}}/{SHIFTED}"),
    benchmark:
        bench(f"shift/{{dataset}}/{SHIFTED}")
    wildcard_constraints:
        shift="|".join(SHIFTS.names()),
        level="[0-9.e-]+",
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        job=job(
            script="shift.py",
            code=lambda w: code("shift.py", "data", SHIFTS.file(w.shift)),
            options=lambda w: options(
                count=CONFIG.uncertainty.shifts[w.shift].images,
                shift=w.shift,
                level=float(w.level),
                seed=runtime("shift", w.dataset, w.shift)["seed"],
            ),
        ),
    shell:
        r"""
        python "$SCRIPTS/shift.py" \
            --images {input:q} \
            {params.job[options]} \
            --out {output:q} \
            >{log:q} 2>&1
        """
