#!/usr/bin/env python3
"""check_markup.py - what make_samples wrote is well-formed, closed in itself, and says its data

    check_markup.py FOLDER
"""
import html.parser
import math
import os
import re
import sys
import xml.etree.ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"
XHTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = "</title></style><script>alert(1)</script>\"'&<!--]]>"
NUMERIC = {"x", "y", "width", "height", "cx", "cy", "r", "font-size", "rx"}
folder = sys.argv[1]
checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"check_markup: {what}")


def load(name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


class Tags(html.parser.HTMLParser):
    """As a browser reads it: which elements there are, and whether they nest."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.bad = [], set(), []

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append(tag)


def check_file(name):
    text = load(name)
    root = ET.fromstring(re.sub(r"<!DOCTYPE html>\n", "", text))
    check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text),
          f"{name} holds control characters")
    for element in root.iter():
        tag = element.tag.split("}")[-1]
        check(tag not in ("script", "link", "img", "image", "iframe", "object", "use", "a"),
              f"{name} holds <{tag}>")
        for key, value in element.attrib.items():
            where = f"{name}: <{tag} {key}={value!r}>"
            check(not key.startswith("on") and key.split("}")[-1] not in ("href", "src"),
                  where)
            if element.tag.startswith(SVG) and key in NUMERIC:
                check(math.isfinite(float(value)), where)
            if key in ("d", "transform", "viewBox"):
                check(not re.search(r"nan|inf|\d,\d", value), where)
            if key in ("width", "height") and tag in ("rect", "svg"):
                check(float(value) > 0, where)
    check("url(" not in text and "@import" not in text, f"{name} fetches something")
    check(not re.search(r"https?://(?!www\.w3\.org/)", text), f"{name} names an address")
    if name.endswith(".html"):
        tags = Tags()
        tags.feed(text)
        check(not tags.bad and not tags.open, f"{name}: {tags.bad} {tags.open} do not nest")
        check("script" not in tags.seen, f"{name}: a browser sees a script")
        check("prefers-color-scheme:dark" in text and 'name="viewport"' in text, name)
    return root


def words(root):
    return "".join(root.itertext())


def cells(root):
    """{(row's y, column's x): (rect, tip)} of a heatmap."""
    found = {}
    for group in root.iter(SVG + "g"):
        rect, tip = group.find(SVG + "rect"), group.find(SVG + "title")
        if rect is not None and tip is not None:
            found[float(rect.get("y")), float(rect.get("x"))] = (rect, tip.text)
    return found


def check_heatmap(name, count, alike_is_large):
    root = check_file(name)
    grid = cells(root)
    check(len(grid) == count * count, f"{name}: {len(grid)} cells for {count} layers")
    names = [t for t in root.iter(SVG + "text") if "lfr-name" in (t.get("class") or "")]
    check(len(names) == 2 * count, f"{name}: {len(names)} names for {count} layers")
    values = {}
    for rect, tip in grid.values():
        if rect.get("fill"):
            values.setdefault(float(tip.split(": ")[-1].replace("\u2212", "-")),
                              set()).add(rect.get("fill"))
    if count < 2:
        check(not values and "One layer." in words(root), name)
        return
    ends = sorted(values)
    alike, apart = (ends[-1], ends[0]) if alike_is_large else (ends[0], ends[-1])
    if count > 2:
        check("#fde725" in values[alike], f"{name}: the most alike pair is {values[alike]}")
        check("#440154" in values[apart], f"{name}: the least alike pair is {values[apart]}")
    check(len(list(grid.values())) - sum(1 for r, _ in grid.values() if r.get("fill"))
          == count, f"{name}: other cells than the diagonal are blank")
    width, height = float(root.get("width")), float(root.get("height"))
    for (y, x), (rect, _) in grid.items():
        check(x >= 0 and x + float(rect.get("width")) <= width
              and y >= 0 and y + float(rect.get("height")) <= height, f"{name} is clipped")


for file in sorted(os.listdir(folder)):
    check(not file.endswith(".part"), f"{file} was left behind")
    if file.endswith((".html", ".svg")):
        check_file(file)
for i, count in enumerate([1, 2, 10, 11, 30, 31, 60]):
    check_heatmap(f"heatmap_{count}.svg", count, i % 2 == 1)

report = check_file("report.html")
said = words(report)
for needed in ["3.42\u00d7", "97.60\u00a0%", "\u22121.00", "84,314", "272,474", "seed",
               "344 kB", "81.8 M", "unchanged", "kept", "layer3.2.conv2.weight",
               "less alike", "more alike", "not comparable", "magnitude pruning"]:
    check(needed in said, f"report.html does not say {needed!r}")
check(len(list(report.iter(XHTML + "h3"))) == 3, "report.html: a heading for each type")
rows = [r for t in report.iter(XHTML + "tbody") for r in t.iter(XHTML + "tr")]
check(len(rows) == 5 + 8 + 2 + 6, f"report.html has {len(rows)} rows")
curves = [s for s in report.iter(SVG + "svg") if "Curve" in s.get("aria-label")]
check(len(curves) == 2, "report.html: a wide and a narrow curve")
for svg in curves:
    circles = [c for c in svg.iter(SVG + "circle") if c.find(SVG + "title") is not None]
    check(len(circles) == 8, f"a curve has {len(circles)} points for 4 steps")

hostile = words(check_file("hostile.html"))
check(hostile.count(HOSTILE) >= 10, "hostile.html lost hostile text")
check("\ufffd" in hostile and "\u00e9\u5c42" in hostile, "hostile.html: broken UTF-8")
check(not re.search(r"\b(nan|inf)\b", hostile), "hostile.html says nan or inf")
check("One layer" not in words(check_file("hostile_heatmap.svg")), "hostile_heatmap.svg")
check("share weights" not in words(check_file("empty.html")), "empty.html is about fusion")
hollow = words(check_file("hollow.html"))
check("every layer has weights of its own" in hollow and "50.00" in hollow, "hollow.html")
print(f"{checks} checks passed")
