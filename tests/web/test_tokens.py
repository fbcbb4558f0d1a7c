"""The design tokens keep their promises: contrast, colours that colour-blind people can tell apart, two themes."""

import itertools
import math
import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "static/css/tokens.css").read_text()
TOKENS = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", CSS))
PAIRS = {name: re.fullmatch(r"light-dark\((#\w{6}), (#\w{6})\)", value) for name, value in TOKENS.items()}
THEMES = {
    theme: {name: pair[number] for name, pair in PAIRS.items() if pair}
    for number, theme in enumerate(("light", "dark"), start=1)
}
# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISIONS = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip
TEXT = [
    ("text", "bg"), ("text", "surface"), ("text", "surface-2"), ("text-muted", "bg"), ("text-muted", "surface"),
    ("text-muted", "surface-2"), ("accent", "bg"), ("accent", "surface"), ("accent", "accent-soft"),
    ("accent-text", "accent"), ("accent-text", "accent-hover"), ("danger", "surface"), ("danger", "bg"),
    ("danger", "danger-soft"), ("warning", "warning-soft"), ("success", "surface"), ("success", "success-soft"),
    ("text", "warning-soft"), ("toast-text", "toast"), ("toast-action", "toast"),
]  # fmt: skip
MARKS = [
    ("border-strong", "surface"), ("border-strong", "bg"), ("focus", "bg"), ("focus", "surface"),
    *((f"priority-{name}", "surface") for name in ("low", "medium", "high", "urgent")),
    *((f"chart-{number}", "surface") for number in range(1, 7)),
]  # fmt: skip


def linear(colour: str) -> list[float]:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def contrast(one: str, other: str) -> float:
    high, low = sorted(
        (0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other))), reverse=True
    )
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: list[float]) -> tuple[float, float, float]:
    r, g, b = (min(1, max(0, channel)) for channel in rgb)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short,
    )


@pytest.mark.parametrize("theme", THEMES)
def test_text_and_marks_have_enough_contrast(theme):
    tokens = THEMES[theme]
    low = {pair: contrast(*(tokens[f"--{name}"] for name in pair)) for pair in TEXT}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
    marks = {pair: contrast(*(tokens[f"--{name}"] for name in pair)) for pair in MARKS}
    assert {pair: ratio for pair, ratio in marks.items() if ratio < 3} == {}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", THEMES)
def test_chart_colours_can_be_told_apart(theme, vision):
    seen = []
    for number in range(1, 7):
        rgb = linear(THEMES[theme][f"--chart-{number}"])
        seen.append(oklab([sum(map(math.prod, zip(row, rgb, strict=True))) for row in VISIONS[vision]]))
    assert min(math.dist(a, b) for a, b in itertools.combinations(seen, 2)) >= 0.11


def test_every_colour_has_both_themes():
    assert [name for name, value in TOKENS.items() if re.fullmatch(r"#\w+|rgb.*", value)] == []
    assert re.findall(r'data-theme="(\w+)"\] \{\s+color-scheme: (\w+);', CSS) == [
        ("light", "light"),
        ("dark", "dark"),
    ]


def test_components_use_tokens_only():
    for path in (Path(__file__).parents[2] / "static/css").glob("*.css"):
        if path.name == "tokens.css":
            continue
        css = re.sub(r'url\("data:[^"]*"\)|@media print\s*\{(?:[^{}]|\{[^{}]*\})*\}', "", path.read_text())
        assert re.findall(r":[^;{}]*#[0-9a-fA-F]{3,8}\b", css) == [], path.name
        missing = set(re.findall(r"var\((--[\w-]+)", css)) - TOKENS.keys() - {"--icon"}
        assert missing == set(), path.name
