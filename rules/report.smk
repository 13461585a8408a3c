# Description, categories and order of items in the report of `snakemake --report`; no rules.
from distillation.study import description


report: "captions/workflow.rst"


# The description of the report, which has no parameters, reads it here.
config["_reported"] = {name: description.of_study(STUDIES[name]) for name in LISTED}


# Categories of the report, in reading order.
CATEGORIES = ["Tables", "Figures", "Learning curves", "Claims", "Provenance"]


def category(name):
    """A function: a category, numbered because the report sorts by name; of its study if there are several."""
    number = f"{CATEGORIES.index(name) + 1}. {name}"
    # No colon: it would end the name in the links to categories.
    return lambda wildcards: f"{wildcards.study}, {number}" if len(LISTED) > 1 else number


def category_of_curve(wildcards):
    """The category of a training curve: Figures if the paper shows it."""
    return category("Figures" if figure(wildcards).paper else "Learning curves")(wildcards)


def said(page):
    """A function: what the caption of a page says of it."""
    return lambda wildcards: description.of_page(page(wildcards))


def report_item(category, caption, labels):
    """Arguments of `report` for a file; category and labels are functions of the wildcards."""
    return {"category": category, "caption": f"captions/{caption}.rst", "labels": labels}


def as_it_is(text):
    """A text in which Snakemake finds no wildcards; the character that it gets more is not seen."""
    return text.replace("{", "{\N{WORD JOINER}")


def labels_of(page, number=1, of=1):
    """A function: labels of an item; its number is padded because the report sorts labels as text."""
    return lambda wildcards: {
        "No.": f"{number:{len(str(of))}}",
        "Shows": as_it_is(page(wildcards).title),
        "Paper": as_it_is(page(wildcards).paper or "-"),
    }


def table_labels(page, block=None):
    """A function: labels of an item among the tables, of which those of accuracies come first."""

    def labels(wildcards):
        selection = SELECTIONS[wildcards.study]
        blocks = ("pairs", "costs", "switches", "bridge")
        shown = [name for name in blocks if name == "costs" or selection.has(name)]
        items = [*(("table", name) for name in selection.tables), *(("block", name) for name in shown)]
        named = block or wildcards.get("pairs")
        own = ("block", named) if named else ("table", wildcards.table)
        return labels_of(page, items.index(own) + 1, len(items))(wildcards)

    return labels


def judged_labels(wildcards):
    """Labels of a page of claims."""
    blocks = claim_settings.BLOCKS
    return labels_of(judged, blocks.index(wildcards.claims) + 1, len(blocks))(wildcards)


def figure_labels(wildcards):
    """Labels of a figure."""
    names = list(SELECTIONS[wildcards.study].figures)
    return labels_of(figure, names.index(wildcards.figure) + 1, len(names))(wildcards)
