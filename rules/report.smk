# Description, categories and order of items in the report of `snakemake --report`; no rules.


report: "captions/workflow.rst"


# The weights tested in each protocol, for the captions.
TESTED = {protocol: protocols.weights_tested(config, protocol) for protocol in PROTOCOLS}


# Categories of the report, in reading order.
CATEGORIES = ["Tables", "Figures", "Learning curves", "Claims", "Provenance", "Bridge"]


def category(name):
    """A category of the report, numbered because the report sorts categories by name."""
    return f"{CATEGORIES.index(name) + 1}. {name}"


def category_of_curve(wildcards):
    """The category of a training curve: Figures if the paper shows it."""
    in_paper = "paper_figure" in config["figures"][wildcards.figure]
    return category("Figures" if in_paper else "Learning curves")


def report_item(category, caption, labels):
    """Arguments of `report` for a file; category and labels may be functions of the wildcards."""
    return {"category": category, "caption": f"captions/{caption}.rst", "labels": labels}


def item_labels(number, of, shows, paper="-"):
    """Labels of an item in the report; numbers are padded because the report sorts them as text."""
    return {"No.": f"{number:{len(str(of))}}", "Shows": shows, "Paper": paper}


def table_labels(wildcards):
    """Labels of a table of accuracies in the report; other tables come after these."""
    tables = list(config["tables"])
    settings = config["tables"][wildcards.table]
    paper = f"Table {settings['paper_table']}" if "paper_table" in settings else "-"
    return item_labels(tables.index(wildcards.table) + 1, TABLE_ITEMS, settings["title"], paper)


TABLE_ITEMS = len(config["tables"]) + 3
PAIRS_LABELS = item_labels(TABLE_ITEMS - 2, TABLE_ITEMS, config["pairs"]["title"])
COSTS_LABELS = item_labels(TABLE_ITEMS - 1, TABLE_ITEMS, "Cost of each training")
SWITCHES_LABELS = item_labels(TABLE_ITEMS, TABLE_ITEMS, config["switches"]["title"])


def figure_labels(wildcards):
    """Labels of a figure in the report."""
    figures = list(config["figures"])
    settings = config["figures"][wildcards.figure]
    paper = f"Figure {settings['paper_figure']}" if "paper_figure" in settings else "-"
    return item_labels(figures.index(wildcards.figure) + 1, len(figures), settings["title"], paper)
