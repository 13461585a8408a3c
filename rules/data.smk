# Obtain the files of the data sets, check them, and split them into arrays.


# source.json is written last and lists the other files with their MD5.
rule fetch_dataset:
    input:
        watched_sources,
    output:
        "<downloads>/{format}/source.json",
    log:
        "<downloads>/{format}/fetch.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    message:
        "Obtaining {wildcards.format}"
    # The sources are not a parameter: every file is checked anyway, so another source must not cause
    # another download.
    script:
        "../workflow_scripts/fetch_dataset.py"


rule prepare_dataset:
    input:
        downloaded,
    output:
        arrays="<results>/data/{dataset}/arrays.safetensors",
        manifest="<results>/data/{dataset}/manifest.json",
    log:
        "<results>/data/{dataset}/prepare.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        kind=format_of,
        split=lambda wildcards: dataset_settings(wildcards).get("split"),
        limit=lambda wildcards: dataset_settings(wildcards).get("limit"),
        code=preparation_digest,
    message:
        "Splitting {wildcards.dataset} into arrays"
    script:
        "../workflow_scripts/prepare_dataset.py"
