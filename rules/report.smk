# The report of `snakemake --report`: what it says of the study, and how its items are ordered; no rules.


report: "captions/workflow.rst"


# Which weights of a protocol are tested, for the captions.
TESTED = {protocol: protocols.weights_tested(config, protocol) for protocol in PROTOCOLS}


# Of the report, in the order that a reader wants.
CATEGORIES = ["Tables", "Figures", "Learning curves", "Claims", "Provenance", "Bridge"]


def category(name):
    """A category of the report, which sorts them by name: hence the number."""
    return f"{CATEGORIES.index(name) + 1}. {name}"


def category_of_curve(wildcards):
    """Curves that the paper shows are among its figures."""
    in_paper = "paper_figure" in config["figures"][wildcards.figure]
    return category("Figures" if in_paper else "Learning curves")


def shown(category, caption, labels):
    """Where and how the report shows a file; category and labels may be look-ups."""
    return {"category": category, "caption": f"captions/{caption}.rst", "labels": labels}


def listed(number, of, shows, paper="-"):
    """Labels of an item in the report, which sorts them as texts: so all numbers are equally long."""
    return {"No.": f"{number:{len(str(of))}}", "Shows": shows, "Paper": paper}


def listed_table(wildcards):
    """Labels of a table of accuracies in the report; the others come after them."""
    tables = list(config["tables"])
    settings = config["tables"][wildcards.table]
    paper = f"Table {settings['paper_table']}" if "paper_table" in settings else "-"
    return listed(tables.index(wildcards.table) + 1, LISTED_TABLES, settings["title"], paper)


LISTED_TABLES = len(config["tables"]) + 3
LISTED_PAIRS = listed(LISTED_TABLES - 2, LISTED_TABLES, config["pairs"]["title"])
LISTED_COSTS = listed(LISTED_TABLES - 1, LISTED_TABLES, "Cost of each training")
LISTED_SWITCHES = listed(LISTED_TABLES, LISTED_TABLES, config["switches"]["title"])


def listed_figure(wildcards):
    """Labels of a figure in the report."""
    figures = list(config["figures"])
    settings = config["figures"][wildcards.figure]
    paper = f"Figure {settings['paper_figure']}" if "paper_figure" in settings else "-"
    return listed(figures.index(wildcards.figure) + 1, len(figures), settings["title"], paper)
