"""Opens a report in a real headless browser and uses it as a reader does: keys, wheel, clicks, presets, review.

usage: browse.py CHROMIUM REPORT_HTML [--lang fr] [--twin] [--flagged N] [--review FILE] [--shots FOLDER NAME]

The review that the page saves is copied to FILE. Prints a line a check; exits 1 at the first that fails, 2 where the browser does not start.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from playwright.sync_api import Error, sync_playwright


def check(what, holds, detail=""):
    print(f"{'ok' if holds else 'FAILED'}: {what} {detail}".rstrip(), flush=True)
    if not holds:
        sys.exit(1)


PAINTED = """[...document.querySelectorAll('.viewer')].every(frame => {
    const [row] = (frame.querySelector('canvas.main').dataset.painted ?? '').split(' ');
    return row === frame.dataset.row;
})"""


class Page:
    """One page with everything that it complained about."""

    def __init__(self, browser, report, **options):
        self.context = browser.new_context(accept_downloads=True, **options)
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("console", self.said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("request", lambda request: self.asked(request.url))
        self.page.goto(report.resolve().as_uri())

    def said(self, message):
        # These checks read the canvas; the page itself does not.
        if "getImageData" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def asked(self, url):
        if not url.startswith(("file:", "data:", "blob:")):
            self.complaints.append(f"request: {url}")

    def settled(self):
        """Until what is asked for is painted."""
        # Asked again and again from here: the page's policy allows no condition to be compiled within it.
        for _ in range(200):
            self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            if self.page.evaluate(PAINTED):
                return
            time.sleep(0.02)
        check("the slice is painted", False)

    def row(self, viewer):
        return int(viewer.get_attribute("data-row"))

    def place(self, viewer):
        return int(viewer.locator("input[type=range]").input_value())

    def close(self, what):
        check(f"{what}: no error, no request", not self.complaints, "; ".join(self.complaints))
        self.context.close()


def brightness(viewer):
    """Mean grey level of the picture."""
    return viewer.locator("canvas.main").evaluate(
        """canvas => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let sum = 0;
            for (let n = 0; n < data.length; n += 4) sum += data[n] + data[n + 1] + data[n + 2];
            return sum / (0.75 * data.length);
        }"""
    )


def scroll(page):
    viewer = page.page.locator(".viewer").first
    main, slider = viewer.locator("canvas.main"), viewer.locator("input[type=range]")
    check("the viewer is shown", viewer.is_visible() and page.page.locator(".still").count() >= 1)
    check("still pictures make room for it", not page.page.locator(".still").first.is_visible())
    start, begun = page.row(viewer), page.place(viewer)

    main.focus()
    page.page.keyboard.press("ArrowUp")
    page.settled()
    check("an arrow moves by one slice towards the head", page.place(viewer) == begun + 1 and page.row(viewer) > start)
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("PageDown")
    page.settled()
    check("Page Down moves by ten", page.place(viewer) == max(begun - 10, 0), f"{begun} to {page.place(viewer)}")
    page.page.keyboard.press("Home")
    lowest = page.row(viewer)
    page.page.keyboard.press("End")
    highest = page.row(viewer)
    check("Home and End are the ends", lowest < start < highest, f"{lowest} {start} {highest}")
    page.page.keyboard.press("Home")

    main.scroll_into_view_if_needed()
    main.hover()
    page.page.mouse.wheel(0, -120)
    page.page.wait_for_timeout(200)
    page.settled()
    check("the wheel moves the slice", page.row(viewer) > lowest)

    slider.focus()
    page.page.keyboard.press("ArrowRight")
    page.settled()
    name = slider.get_attribute("aria-valuetext")
    check("the slider says which slice", name and name in viewer.locator(".readout").inner_text(), name)


def touch(browser, report):
    page = Page(browser, report, viewport={"width": 390, "height": 844}, has_touch=True, device_scale_factor=2)
    page.settled()
    viewer = page.page.locator(".viewer").first
    viewer.locator("canvas.main").scroll_into_view_if_needed()
    before = page.row(viewer)
    box = viewer.locator("canvas.main").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page.page)
    finger = lambda kind, at: session.send(
        "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if at is None else [{"x": x, "y": at}]}
    )
    finger("touchStart", y)
    for step in range(1, 9):
        finger("touchMove", y - 8 * step)
    finger("touchEnd", None)
    page.settled()
    check("a finger drags the slices", page.row(viewer) > before, f"{before} to {page.row(viewer)}")
    wide = page.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    check("a phone does not scroll sideways", wide <= 0, f"{wide} px too wide")
    page.close("phone")


def link(page):
    viewer = page.page.locator(".viewer").first
    section = viewer.locator("xpath=ancestor::section")
    for name in ["map", "profile"]:
        svg = section.locator(f"figure.{name} > svg")
        svg.scroll_into_view_if_needed()
        frame = svg.locator(".cx-frame").first.bounding_box()
        rows = []
        for part in (0.3, 0.6):
            page.page.mouse.click(frame["x"] + frame["width"] / 3, frame["y"] + part * frame["height"])
            page.settled()
            rows.append(page.row(viewer))
            cursor = svg.locator(".vx-cursor").bounding_box()
            off = abs(cursor["y"] + cursor["height"] / 2 - frame["y"] - part * frame["height"])
            check(f"a click in the {name} moves slice and cursor", off < 12, f"cursor off by {off:.1f} px")
        check(f"higher in the {name} is nearer the head", rows[0] > rows[1], str(rows))


def windows(page):
    viewer = page.page.locator(".viewer").first
    tool = lambda name: viewer.locator(f"[data-tool={name}]")
    main = viewer.locator("canvas.main")
    page.settled()
    bone = brightness(viewer)
    tool("soft").click()
    page.settled()
    soft = brightness(viewer)
    check("soft tissue is another window", abs(soft - bone) > 5, f"{bone:.1f} and {soft:.1f}")
    check("the preset is marked", tool("soft").get_attribute("aria-pressed") == "true")
    main.scroll_into_view_if_needed()
    box = main.bounding_box()
    page.page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 160, box["y"] + 140, steps=4)
    page.page.mouse.up()
    page.settled()
    check("dragging sets the window", tool("soft").get_attribute("aria-pressed") == "false")
    tool("bone").click()
    page.settled()
    check("back as it was", abs(brightness(viewer) - bone) < 0.01)
    picture = lambda: main.evaluate("canvas => canvas.toDataURL()")
    for name in ["contour", "lost", "in"]:
        before = picture()
        tool(name).click()
        page.settled()
        changed = picture() != before
        # A slice that lost nothing looks the same without its lost sectors.
        check(f"{name} changes the picture", changed or name == "lost")
        tool("out" if name == "in" else name).click()
        page.settled()
        check(f"{name} undone is the picture of before", picture() == before)


def flags(page, wanted):
    viewer = page.page.locator(".viewer").first
    buttons = viewer.locator("xpath=ancestor::section").locator("table.flagged .go")
    check("each flagged slice is a button", buttons.count() == wanted, f"{buttons.count()} of {wanted}")
    if not wanted:
        return
    last = buttons.nth(wanted - 1)
    last.click()
    page.settled()
    check("a flagged slice is gone to", last.inner_text() in viewer.locator(".readout .slice").inner_text())
    check("it is told as flagged", "⚑" in viewer.locator(".readout .flag").inner_text())
    page.page.keyboard.press("f")
    page.settled()
    check("F goes to a flagged one", "⚑" in viewer.locator(".readout .flag").inner_text())


def twin(page):
    panel = page.page.locator(".viewer .second").first
    check("the other side is shown, and said to be mirrored", "mirrored" in panel.inner_text(), panel.inner_text())
    page.page.locator("[data-jump=worst]").first.click()
    page.settled()
    canvas = panel.locator("canvas")
    bright = canvas.evaluate(
        """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
            .reduce((top, grey, n) => n % 4 ? top : Math.max(top, grey), 0)"""
    )
    check("its homologous section is painted", bright > 200 and "z" in panel.inner_text(), panel.inner_text())


def review(page, kept, flagged):
    page.page.locator("#reviewer").fill("A. Reader")
    if flagged:
        cells = page.page.locator("table.flagged").first.locator("td.decide")
        cells.nth(0).locator("[data-decision=accepted]").click()
        cells.nth(1).locator("[data-decision=rejected]").click()
        cells.nth(1).locator("input").fill("partial volume <b>")
        lesion = page.page.locator("table.lesions").first.locator("td.decide").first
        lesion.locator("[data-decision=rejected]").click()
        lesion.locator("[data-decision=rejected]").click()
        lesion.locator("[data-decision=accepted]").click()
        page.page.locator(".pain-choice select").first.select_option("moderate")
    with page.page.expect_download() as download:
        page.page.locator("#save").click()
    check("it is called review.json", download.value.suggested_filename == "review.json")
    download.value.save_as(kept)
    saved = json.loads(kept.read_text())
    check("the review is named", saved["schema"] == "corticalysis/review/v1" and saved["reviewer"] == "A. Reader")
    if not flagged:
        return check("nothing was decided", saved["bones"] == [])
    [bone] = saved["bones"]
    decided = [slice["decision"] for slice in bone["slices"]]
    check("both decisions on slices are kept", sorted(decided) == ["accepted", "rejected"], str(decided))
    comments = [slice["comment"] for slice in bone["slices"] if slice["decision"] == "rejected"]
    check("so is the comment", comments == ["partial volume <b>"], str(comments))
    check("and the lesion", [lesion["decision"] for lesion in bone["lesions"]] == ["accepted"])
    check("and the pain", bone["pain"] == "moderate")
    check("slices are named", all(slice["instance_number"] for slice in bone["slices"]))


def without_scripts(browser, report):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.resolve().as_uri())
    check("without scripts the still pictures are there", page.locator(".still svg").first.is_visible())
    check("and no dead controls", not page.locator(".viewer").first.is_visible() and not page.locator("#review-form").is_visible())
    context.close()


def printed(browser, report):
    page = Page(browser, report)
    page.settled()
    page.page.emulate_media(media="print")
    check("print has the still pictures", page.page.locator(".still svg").first.is_visible())
    check("and no viewer", not page.page.locator(".viewer").first.is_visible())
    check("the numbers of flagged slices are printed", page.page.locator("table.flagged th .go").count() == 0
          or page.page.locator("table.flagged th .go").first.is_visible())
    page.close("print")


def colours(browser, report):
    papers = []
    for scheme in ["light", "dark"]:
        page = Page(browser, report, color_scheme=scheme)
        page.settled()
        papers.append(page.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close(scheme)
    check("light and dark differ", papers[0] != papers[1], str(papers))


def accessible(page):
    """Names for everything that can be reached, and every control reachable by Tab."""
    nameless = page.page.evaluate(
        """[...document.querySelectorAll('button, input, select, canvas[role], [role=group], [role=region]')]
            .filter(thing => thing.offsetParent && !(thing.getAttribute('aria-label') || thing.textContent.trim()
                || thing.labels?.length)).map(thing => thing.outerHTML.slice(0, 80))"""
    )
    check("every control has a name", not nameless, str(nameless))
    page.page.locator("h1").click()
    reached = set()
    for _ in range(60):
        page.page.keyboard.press("Tab")
        reached.add(page.page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
    check("picture and slider are reached by Tab", {"CANVAS.main", "INPUT."} <= reached, str(reached))


def shots(browser, options):
    folder, name = Path(options.shots[0]), options.shots[1]
    pictures = [(name, (1280, 1500), "light"), (f"{name}-dark", (1280, 1500), "dark"), (f"{name}-narrow", (390, 1500), "light")]
    # In another language the words are new, not the colours.
    for label, size, scheme in pictures if options.lang == "en" else pictures[:1]:
        page = Page(browser, options.report, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        page.settled()
        page.page.screenshot(path=folder / f"{label}.png")
        page.close(label)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("chromium")
    parser.add_argument("report", type=Path)
    parser.add_argument("--lang", default="en")
    parser.add_argument("--twin", action="store_true")
    parser.add_argument("--flagged", type=int, default=0)
    parser.add_argument("--review", type=Path)
    parser.add_argument("--shots", nargs=2, metavar=("FOLDER", "NAME"))
    options = parser.parse_args()
    with sync_playwright() as playwright:
        try:
            # The page is ours and asks for nothing; as root the browser has no sandbox.
            browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        except Error as error:
            print(f"the browser does not start: {error}")
            sys.exit(2)
        print(f"Chromium {browser.version}")
        if options.shots:
            return shots(browser, options)
        page = Page(browser, options.report)
        page.settled()
        check("the page is in its language", page.page.locator("html").get_attribute("lang") == options.lang)
        scroll(page)
        link(page)
        windows(page)
        flags(page, options.flagged)
        if options.twin:
            twin(page)
        accessible(page)
        if options.review:
            review(page, options.review, options.flagged)
        page.close("page")
        touch(browser, options.report)
        without_scripts(browser, options.report)
        printed(browser, options.report)
        colours(browser, options.report)
        browser.close()


main()
