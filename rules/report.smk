# Description, categories and order of items in the report of `snakemake --report`; no rules.


report: "captions/workflow.rst"


# Categories of the report, in reading order.
CATEGORIES = ["Tables", "Figures", "Learning curves", "Claims", "Provenance", "Bridge"]


def category(name):
    """A category of the report, numbered because the report sorts categories by name."""
    return f"{CATEGORIES.index(name) + 1}. {name}"


def category_of_curve(wildcards):
    """The category of a training curve: Figures if the paper shows it."""
    return category("Figures" if SELECTION.figure(wildcards.figure).paper else "Learning curves")


def report_item(category, caption, labels):
    """Arguments of `report` for a file; category and labels may be functions of the wildcards."""
    return {"category": category, "caption": f"captions/{caption}.rst", "labels": labels}


def item_labels(name, names, page):
    """Labels of the item `name` among `names`; numbers are padded because the report sorts them as text."""
    number = f"{names.index(name) + 1:{len(str(len(names)))}}"
    return {"No.": number, "Shows": page.title, "Paper": page.paper or "-"}


def table_labels(name, page):
    """Labels of an item among the tables: those of accuracies come first."""
    return item_labels(name, [*SELECTION.tables, "pairs", "costs", "switches"], page)


def figure_labels(wildcards):
    """Labels of a figure in the report."""
    page = SELECTION.figure(wildcards.figure)
    return item_labels(wildcards.figure, list(SELECTION.figures), page)
