"""A visit to a report: what a reader sees who opens every item in Chromium."""

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)

# Size of an image or canvas as it is, and its share of pixels that are not white.
MEASURE = """
    const [shown, done] = arguments;
    const width = shown.naturalWidth || shown.width, height = shown.naturalHeight || shown.height;
    (shown.decode ? shown.decode() : Promise.resolve()).then(() => {
        const copy = new OffscreenCanvas(width, height).getContext("2d");
        copy.drawImage(shown, 0, 0, width, height);
        const bytes = copy.getImageData(0, 0, width, height).data;
        let inked = 0;
        for (let i = 0; i < bytes.length; i += 4)
            inked += bytes[i + 3] > 0 && Math.min(bytes[i], bytes[i + 1], bytes[i + 2]) < 250;
        done([width, height, inked / (width * height)]);
    }, error => done([0, 0, 0]));
"""


@dataclass
class Item:
    """What opens when an item of a category is clicked, and then its description and its rule."""

    labels: dict[str, str]
    source: str
    page: list[list[str]] = field(default_factory=list)
    text: str = ""
    picture: tuple[int, int, float] | None = None
    shown_width: float = 0.0
    description: str = ""
    markup: str = ""
    rule: str = ""


@dataclass
class Visit:
    """Everything seen, in the order of the report."""

    start: str = ""
    graph: tuple[int, int, float] | None = None
    rules: set[str] = field(default_factory=set)
    charts: list[tuple[int, int, float]] = field(default_factory=list)
    linked: dict[str, str] = field(default_factory=dict)
    categories: dict[str, list[Item]] = field(default_factory=dict)
    console: list[dict] = field(default_factory=list)
    requests: set[str] = field(default_factory=set)


@contextmanager
def chromium(profile: Path):
    """Debian's Chromium, driven; selenium is told where both are, so it fetches neither."""
    missing = [str(path) for path in (CHROMIUM, DRIVER) if not path.exists()]
    if missing:
        pytest.fail(f"no {' and no '.join(missing)}: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    try:
        yield browser
    finally:
        browser.quit()


class Reader:
    """Clicks through the report and writes down what is there."""

    def __init__(self, browser):
        self.browser = browser

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, condition, what):
        # The page is drawn anew while it is read.
        waiting = WebDriverWait(self.browser, 20, 0.05, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: condition(), what)

    def measure(self, element):
        return tuple(self.browser.execute_async_script(MEASURE, element))

    def charts(self, selector, count):
        """Measures of the drawings of Vega, once they are there."""
        self.wait(lambda: len(self.all(f"{selector} canvas")) == count, f"{count} drawings in {selector}")
        return [self.measure(canvas) for canvas in self.all(f"{selector} canvas")]

    def texts(self, selector):
        """Texts of all that matches, read at one moment."""
        read = "return Array.from(document.querySelectorAll(arguments[0]), node => node.innerText.trim())"
        return self.browser.execute_script(read, selector)

    def click(self, find):
        """Click what a function finds; it may be drawn anew in between."""
        self.wait(lambda: find().click() is None, "something to click")
        # The menu slides to another width, and takes away what would be clicked next.
        resting = "return document.getAnimations().length === 0"
        self.wait(lambda: self.browser.execute_script(resting), "the end of a movement")

    def go_home(self):
        self.click(lambda: self.all("nav nav li a")[0])

    def open_link(self, text):
        """Click a link of the menu."""
        self.click(lambda: self.browser.find_element(By.XPATH, f'//nav//a[normalize-space()="{text}"]'))

    def visit(self) -> Visit:
        seen = Visit()
        self.wait(lambda: self.all("#rulegraph canvas"), "the graph of rules")
        seen.start = self.texts(".prose")[0]
        [seen.graph] = self.charts("#rulegraph", 1)
        seen.rules = set(
            self.browser.execute_script("return rulegraph_spec.data[0].values.map(node => node.rule)")
        )
        names = self.texts("nav .p-3 li a")
        for link in self.texts(".prose a"):
            self.click(lambda link=link: self.browser.find_element(By.LINK_TEXT, link))
            self.wait(lambda: self.all("nav tbody tr"), f"the category of the link {link}")
            seen.linked[link] = self.texts("nav nav li.grow")[0]
            # Else the items of this category would pass for those of the next.
            self.go_home()
            self.wait(lambda: not self.all("nav tbody tr"), "the menu")
        self.open_link("Statistics")
        seen.charts = self.charts("#runtimes", 1) + self.charts("#timeline", 1)
        for name in names[3:]:
            self.go_home()
            self.open_link(name)
            count = len(self.wait(lambda: self.all("nav tbody tr"), f"the items of {name}"))
            seen.categories[name] = [self.item(name, index) for index in range(count)]
        return seen

    def item(self, category, index) -> Item:
        """Open an item of the category that the menu shows, then its description and its rule."""
        headings = self.texts("nav thead th")[:-1]
        row = f"nav tbody tr:nth-child({index + 1})"
        labels = dict(zip(headings, self.texts(f"{row} td")[:-1], strict=True))
        before = self.browser.execute_script("return app.state.renderTrigger")
        self.click(lambda: self.all(f"{row} td:last-child a")[0])
        self.wait(
            lambda: self.browser.execute_script("return app.state.renderTrigger") != before,
            f"{category}, item {index}",
        )
        [element] = self.wait(lambda: self.all(".grow > .p-3 > img, .grow > iframe"), "a picture or a page")
        item = Item(labels, element.get_attribute("src"))
        if element.tag_name == "img":
            item.picture, item.shown_width = self.measure(element), element.rect["width"]
        else:
            self.browser.switch_to.frame(element)
            self.wait(lambda: self.all("body > *"), "the page")
            item.text = self.all("body")[0].text
            rows = [row.find_elements(By.CSS_SELECTOR, "th, td") for row in self.all("tr")]
            item.page = [[cell.text for cell in row] for row in rows]
            self.browser.switch_to.default_content()
        self.click(lambda: self.all(f"{row} td:last-child a")[1])
        self.wait(lambda: "DESCRIPTION" in self.all("nav .p-3")[0].text, "a description")
        [caption] = self.all("nav .p-3 .prose")
        item.description, item.markup = caption.text, caption.get_attribute("innerHTML")
        self.click(lambda: self.all("nav .p-3 > ul a")[-1])
        item.rule = self.wait(lambda: self.all("nav .p-3 > ol"), "a rule")[0].text
        self.go_home()
        self.open_link(category)
        return item


def visit(report: Path, profile: Path) -> Visit:
    """Everything that a reader of the report sees."""
    with chromium(profile) as browser:
        # What Chromium itself does when it starts is not the report's doing.
        browser.get("about:blank")
        for log in ("performance", "browser"):
            browser.get_log(log)
        browser.get(report.as_uri())
        seen = Reader(browser).visit()
        seen.console = browser.get_log("browser")
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        seen.requests = {parameters["request"]["url"] for parameters in sent}
        return seen
