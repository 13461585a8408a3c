# The results of a study in one file.

# What describes them, by name in the job.
DESCRIPTION = {
    name: os.path.relpath(HOME / path)
    for name, path in (("workflow", "Snakefile"), ("citation", "CITATION.cff"))
}


rule pack_archive:
    input:
        **{name: ancient(path) for name, path in DESCRIPTION.items()},
        files=lambda wildcards: archived(SELECTIONS[wildcards.study]),
    output:
        "<results>/{study}.tar.gz",
    log:
        "<results>/{study}/logs/pack_archive.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        code=script_digest("pack_archive.py"),
        description=together(DESCRIPTION.values()),
    message:
        "Packing the results, {wildcards.study}"
    script:
        "../workflow_scripts/pack_archive.py"
