"""Markdown to safe HTML: markdown-it-py renders it without raw HTML, then nh3 allows only listed tags."""

from functools import cache
from typing import Any

from django.utils.safestring import SafeString, mark_safe

TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr",
    "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto", "tel"}


@cache
def _renderer() -> Any:
    from markdown_it import MarkdownIt  # imported only where Markdown is shown

    renderer = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
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
    """Return ``text`` as HTML that is safe to show whatever the text; its links send no referrer."""
    import nh3

    html = _renderer().render(text)
    clean = nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow"
    )
    return mark_safe(clean)  # noqa: S308  nh3 has just cleaned it
