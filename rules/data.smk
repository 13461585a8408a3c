# Obtain a data set, check it, and split it into arrays.


rule fetch_dataset:
    output:
        batches=[f"<downloads>/{{dataset}}/data_batch_{number}.bin" for number in range(1, 6)]
        + ["<downloads>/{dataset}/test_batch.bin"],
        source="<downloads>/{dataset}/source.json",
    log:
        "<downloads>/{dataset}/fetch.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    message:
        "Obtaining {wildcards.dataset}"
    # The sources are not a parameter: every byte is checked anyway, so another source must not cause
    # another download.
    script:
        "../workflow_scripts/fetch_dataset.py"


rule prepare_dataset:
    input:
        batches=ancient(rules.fetch_dataset.output.batches),
    output:
        arrays="<results>/data/{dataset}/arrays.safetensors",
        manifest="<results>/data/{dataset}/manifest.json",
    log:
        "<results>/logs/prepare_dataset/{dataset}.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        split=lambda wildcards: {
            **config["datasets"][wildcards.dataset]["split"],
            "limit": config["datasets"][wildcards.dataset].get("limit"),
        },
        code=script_digest("prepare_dataset.py"),
    message:
        "Splitting {wildcards.dataset} into arrays"
    script:
        "../workflow_scripts/prepare_dataset.py"


rule data:
    input:
        sorted(
            {
                f"<results>/data/{entry.resolve(entry.seeds[0]).dataset}/manifest.json"
                for entry in STUDY.chosen()
            }
        ),
    localrule: True
