# What is not part of `all`, and trains further runs if it is asked for by name.


rule bridge:
    """The effect of each switch between the protocols. Not part of `all`: it trains further runs."""
    input:
        required(bridge, "no study has a `bridge`; add one to its study.yaml (docs/configuration.md)"),
    localrule: True


rule controls:
    """Comparisons that the claims of the papers lack. Not part of `all`: it trains further runs."""
    input:
        required(further_claims, "no study has `controls`; add them to its study.yaml", block="controls"),
    localrule: True
    params:
        cost=cost_of("controls"),
    message:
        "Controls, beside the runs of `all`: {params.cost}"


rule best:
    """Future work of the papers, and stronger recipes. Not part of `all`: it trains further runs."""
    input:
        required(further_claims, "no study has `best`; add it to its study.yaml", block="best"),
    localrule: True
    params:
        cost=cost_of("best"),
    message:
        "Beyond the paper, beside the runs of `all`: {params.cost}"


rule check:
    """The first epochs of runs beside published logs. Not part of `all`."""
    input:
        required(
            checks, "no study has `checks`; add some, such as --configfile studies/irkd/overlays/check.yaml"
        ),
    localrule: True
