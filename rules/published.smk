# Helper functions: published weights that networks start from; no rules.


def published_file(wildcards, name=None):
    """The published file of an entry of `weights`, by default that of the wildcards."""
    entries = STUDIES[wildcards.study].config["weights"]
    return start_settings.published_file(entries[name or wildcards.weights])


def pretrained_of(wildcards):
    """The file of a run's pretrained weights and what was found in it; the user supplies the file."""
    name = training(wildcards).entry.pretrained
    if not name:
        return {}
    published = published_file(wildcards, name)
    if not Path(published.path()).is_file():
        raise WorkflowError(
            f"{published.path()}: {wildcards.run} starts from these weights, but the file does not exist;"
            f" {published.missing()}."
        )
    record = f"<results>/{wildcards.study}/weights/{name}.json"
    return {"pretrained": ancient(published.path()), "pretrained_record": record}


def starting_from(wildcards):
    """The networks of chosen runs that start from an entry of `weights`, each once."""
    study = STUDIES[wildcards.study]
    starting = [entry for entry in study.entries.values() if entry.pretrained == wildcards.weights]
    chosen = list(study.chosen(protocols=study.config["protocols"]))
    # A run that is not chosen can still be asked for by the name of its files.
    found = [e.settings["model"] for e in starting if e in chosen] or [e.settings["model"] for e in starting]
    return [model for index, model in enumerate(found) if model not in found[:index]]


def weights_digest(wildcards):
    """Digest of the code that reads published weights, with that of these networks."""
    families = sorted({model["family"] for model in starting_from(wildcards)})
    components = [f"networks.families.{family}" for family in families]
    return script_digest(
        "check_weights.py", [*components, f"networks.pretrained.{published_file(wildcards).kind}"]
    )
