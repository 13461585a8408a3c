# Test trained networks.


rule evaluate:
    input:
        unpack(dataset_of),
        unpack(teacher_of),
        last=ancient(f"{RUN}/last.safetensors"),
        best=ancient(f"{RUN}/best.safetensors"),
        record=f"{RUN}/run.json",
    output:
        EVALUATION,
    log:
        "<results>/logs/evaluate/{protocol}/{run}/seed-{seed}.log",
    benchmark:
        "<results>/benchmarks/evaluate/{protocol}/{run}/seed-{seed}.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        gpu=GPUS,
    params:
        selection=lambda wildcards: STUDY.entries[wildcards.protocol, wildcards.run].selection,
        resolutions=config["evaluation"]["resolutions"],
        code=training_digest("evaluate.py"),
    message:
        "Testing {wildcards.run}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/evaluate.py"


rule evaluation:
    input:
        for_runs(EVALUATION),
