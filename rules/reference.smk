# A module that rebuilds tables and figures from the committed evidence. It has no rules that train or
# evaluate, so runs without evidence are shown as not run.


include: "common.smk"
include: "evidence.smk"
include: "given.smk"
include: "shown.smk"
include: "report.smk"
include: "parts.smk"
include: "tables.smk"
include: "claims.smk"
include: "drawings.smk"
include: "figures.smk"
include: "checks.smk"
include: "provenance.smk"


rule rebuild:
    """Tables and figures, made anew from the committed evidence."""
    input:
        checked_evidence(*LISTED),
        in_all(pages),
        in_all(checks),
    localrule: True


rule compare:
    input:
        checked_evidence(),
        rebuilt=lambda wildcards: [
            *pages(SELECTIONS[wildcards.study]),
            *checks(SELECTIONS[wildcards.study]),
        ],
        sums=ancient(f"{COMMITTED}/{{study}}/SHA256SUMS"),
    output:
        "<results>/{study}/compared.txt",
    log:
        "<results>/{study}/logs/compare.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    params:
        content=all_committed,
    message:
        "Comparing with the committed files, {wildcards.study}"
    shell:
        """
        kept=$(dirname {input.sums}) rebuilt=$(dirname {output})
        (
            listed=$(cut -c 67- {input.sums})
            found=$(cd $kept && find . -type f ! -name SHA256SUMS -printf '%P\\n' | LC_ALL=C sort)
            same=yes
            (cd $kept && sha256sum --quiet --strict --check SHA256SUMS) || same=no
            diff <(echo "$listed") <(echo "$found") || same=no
            if [ $same = no ]; then
                echo "$kept is not what was packed: restore it from version control or from its archive."
                exit 1
            fi
            sha256sum {input.rebuilt} | sed "s|  $rebuilt/|  |" >{output}
            if grep -vxFf {input.sums} {output}; then
                echo "These files of $rebuilt differ from those in $kept, or are missing there."
                echo "With other package versions than the pinned ones, figures can differ. After a change of"
                echo "code, configuration or evidence, 'make keep-reference' updates the committed files."
                exit 1
            fi
        ) 2>&1 | tee {log} >&2
        """


rule compared:
    """Tables and figures made anew from the committed evidence, compared with the committed ones."""
    input:
        compared,
    localrule: True
