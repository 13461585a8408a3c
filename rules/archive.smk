# The results of a study in one file.


rule pack_archive:
    input:
        lambda wildcards: archived(SELECTIONS[wildcards.study]),
    output:
        "<results>/{study}.tar.gz",
    log:
        "<results>/{study}/logs/pack_archive.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        code=script_digest("pack_archive.py"),
    message:
        "Packing the results, {wildcards.study}"
    script:
        "../workflow_scripts/pack_archive.py"
