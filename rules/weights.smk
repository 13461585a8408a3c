# Check published weights that networks start from, before any of these is trained.


rule check_weights:
    input:
        lambda wildcards: published_file(wildcards).path(),
    output:
        "<results>/{study}/weights/{weights}.json",
    log:
        "<results>/{study}/logs/check_weights/{weights}.log",
    wildcard_constraints:
        weights=any_of(name for study in STUDIES.values() for name in study.config.get("weights", {})),
    priority: demand.EVALUATION_PRIORITY
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        start=lambda wildcards: published_file(wildcards).start(),
        networks=starting_from,
        code=weights_digest,
    message:
        "Checking the published weights {wildcards.weights}, {wildcards.study}"
    script:
        "../workflow_scripts/check_weights.py"
