# Train networks without a teacher (teachers, and students on labels only) and with one.


rule train:
    input:
        unpack(dataset_of),
        unpack(teacher_of),
        unpack(answers_of),
        unpack(pretrained_of),
    output:
        last=f"{RUN}/last.safetensors",
        best=f"{RUN}/best.safetensors",
        history=f"{RUN}/history.csv",
        record=f"{RUN}/run.json",
    log:
        "<results>/{study}/logs/train/{protocol}/{run}/seed-{seed}.log",
    benchmark:
        "<results>/{study}/benchmarks/train/{protocol}/{run}/seed-{seed}.tsv"
    wildcard_constraints:
        run=ids_of(taught=False),
    priority: training_priority
    conda:
        "../envs/environment.yaml"
    resources:
        gpu=GPUS,
        cpus_per_task=config["execution"]["threads"],
        mem_mb=memory_mb,
        runtime=training_minutes,
    params:
        run=lambda wildcards: spec.to_mapping(training(wildcards).run),
        identity=lambda wildcards: training(wildcards).identity,
        code=training_digest,
    message:
        "Training {wildcards.run}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/train.py"


use rule train as distill with:
    output:
        last=f"{RUN}/last.safetensors",
        best=f"{RUN}/best.safetensors",
        history=f"{RUN}/history.csv",
        saliency=f"{RUN}/saliency.npz",
        record=f"{RUN}/run.json",
    log:
        "<results>/{study}/logs/distill/{protocol}/{run}/seed-{seed}.log",
    benchmark:
        "<results>/{study}/benchmarks/distill/{protocol}/{run}/seed-{seed}.tsv"
    wildcard_constraints:
        run=ids_of(taught=True, maps=True),
    message:
        "Training {wildcards.run} with its teacher, {wildcards.protocol}, seed {wildcards.seed}"


# A student of a family without saliency maps, or whose maps and its teacher's have other sizes.
use rule distill as distill_without_maps with:
    output:
        last=f"{RUN}/last.safetensors",
        best=f"{RUN}/best.safetensors",
        history=f"{RUN}/history.csv",
        record=f"{RUN}/run.json",
    log:
        "<results>/{study}/logs/distill_without_maps/{protocol}/{run}/seed-{seed}.log",
    benchmark:
        "<results>/{study}/benchmarks/distill_without_maps/{protocol}/{run}/seed-{seed}.tsv"
    wildcard_constraints:
        run=ids_of(taught=True, maps=False),
