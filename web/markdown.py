"""Markdown as safe HTML. Rendered by markdown-it-py without raw HTML, then cleaned by nh3 against a list of tags."""

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
    from markdown_it import MarkdownIt  # only pages that show a description pay for it

    renderer = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    rendering: Any = renderer.renderer
    renderer.enable(["table", "strikethrough"]).disable("image")

    def heading(tokens: list[Any], index: int, options: Any, env: Any) -> str:
        """The page's own headings are h1 and h2: a description's begin at h3."""
        token = tokens[index]
        token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        return str(rendering.renderToken(tokens, index, options, env))

    renderer.add_render_rule("heading_open", lambda _self, *given: heading(*given))
    renderer.add_render_rule("heading_close", lambda _self, *given: heading(*given))
    return renderer


def render(text: str) -> SafeString:
    """Return the Markdown ``text`` as HTML that is safe to show, whatever it says: links leave without a referrer."""
    import nh3

    html = _renderer().render(text)
    clean = nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow"
    )
    return mark_safe(clean)  # noqa: S308 (nh3 has just cleaned it)
