"""Markdown to safe HTML: markdown-it-py renders it without raw HTML, then nh3 allows only listed tags.

A few characters can stand for very much: a table has as many cells as its first line has columns, in every line. So the
pieces are counted while they are made, and a text with more than ``MAX_TOKENS`` is shown as it was typed.
"""

from functools import cache
from typing import Any

from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe

from store.steps import OutOfStepsError, Steps

TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr",
    "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto", "tel"}
MAX_CHARACTERS, MAX_TOKENS, MAX_NESTING = 10_000, 20_000, 20


class _Tokens(list[Any]):
    """The pieces of a text; each is a step, of ``MAX_TOKENS`` at most."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = Steps(MAX_TOKENS)

    def append(self, token: Any) -> None:
        self._steps.spend()
        super().append(token)


@cache
def _renderer() -> Any:
    from markdown_it import MarkdownIt  # imported only where Markdown is shown

    options = {"html": False, "linkify": False, "breaks": True, "maxNesting": MAX_NESTING}
    renderer = MarkdownIt("commonmark", options)
    rendering: Any = renderer.renderer
    renderer.enable(["table", "strikethrough"]).disable("image")

    def heading(tokens: list[Any], index: int, options: Any, env: Any) -> str:
        """Render headings from h3 on: h1 and h2 are the page's own."""
        token = tokens[index]
        token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        return str(rendering.renderToken(tokens, index, options, env))

    renderer.add_render_rule("heading_open", lambda _self, *given: heading(*given))
    renderer.add_render_rule("heading_close", lambda _self, *given: heading(*given))
    return renderer


def render(text: str) -> SafeString:
    """Return ``text`` as HTML that is safe to show whatever the text; its links send no referrer.

    What is too long or has too many pieces comes as plain text.
    """
    import nh3

    try:
        html = _rendered(text)
    except OutOfStepsError:
        return mark_safe(linebreaks(text, autoescape=True))  # noqa: S308  it escapes what it is given
    clean = nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow"
    )
    return mark_safe(clean)  # noqa: S308  nh3 has just cleaned it


def _rendered(text: str) -> str:
    """Return ``text`` as HTML that is not safe yet. Raises OutOfStepsError."""
    Steps(MAX_CHARACTERS).spend(len(text))
    from markdown_it.rules_core import StateCore

    renderer = _renderer()
    state = StateCore(text, renderer, {})
    state.tokens = _Tokens()
    renderer.core.process(state)
    return str(renderer.renderer.render(state.tokens, renderer.options, state.env))
