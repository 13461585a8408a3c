# Ask a trained teacher once about the images that its students are shown again and again.


rule answer:
    input:
        unpack(images_of),
        teacher_weights=answering_weights,
        teacher_record=f"{RUN}/run.json",
    output:
        answers=f"{ANSWERS}.safetensors",
        record=f"{ANSWERS}.json",
    log:
        "<results>/{study}/logs/answer/{protocol}/{run}/seed-{seed}-{dataset}-{resolution}px{mirrored}.log",
    benchmark:
        "<results>/{study}/benchmarks/answer/{protocol}/{run}/seed-{seed}-{dataset}-{resolution}px{mirrored}.tsv"
    wildcard_constraints:
        run=ids_of(taught=False),
        resolution=r"\d+",
        mirrored="|-mirrored",
    priority: demand.EVALUATION_PRIORITY
    conda:
        "../envs/environment.yaml"
    resources:
        gpu=GPUS,
        cpus_per_task=config["execution"]["threads"],
        mem_mb=memory_mb,
        runtime=answering_minutes,
    params:
        normalization=shown_normalization,
        size=shown_size,
        code=answer_digest,
    message:
        "Asking {wildcards.run}, {wildcards.protocol}, seed {wildcards.seed}, about {wildcards.dataset}"
    script:
        "../workflow_scripts/answer.py"
