# Evaluate trained networks on the test images.


rule evaluate:
    input:
        unpack(dataset_of),
        unpack(teacher_of),
        unpack(answers_of),
        last=ancient(f"{RUN}/last.safetensors"),
        best=ancient(f"{RUN}/best.safetensors"),
        record=f"{RUN}/run.json",
    output:
        EVALUATION,
    log:
        "<results>/{study}/logs/evaluate/{protocol}/{run}/seed-{seed}.log",
    benchmark:
        "<results>/{study}/benchmarks/evaluate/{protocol}/{run}/seed-{seed}.tsv"
    priority: demand.EVALUATION_PRIORITY
    conda:
        "../envs/environment.yaml"
    resources:
        gpu=GPUS,
        cpus_per_task=config["execution"]["threads"],
        mem_mb=memory_mb,
        runtime=evaluation_minutes,
    params:
        selection=lambda wildcards: training(wildcards).entry.selection,
        resolutions=lambda wildcards: STUDIES[wildcards.study].config["evaluation"]["resolutions"],
        code=evaluation_digest,
    message:
        "Evaluating {wildcards.run}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/evaluate.py"
