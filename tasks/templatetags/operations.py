"""What the tables of the admin's pages about the operation have in common."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def columns(*names: str) -> SafeString:
    """Return the head of a table."""
    cells = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in names))
    return format_html("<thead><tr>{}</tr></thead>", cells)


@register.simple_tag
def verdict(ok: bool, good: str, bad: str) -> SafeString:
    """Return a cell that says whether something is as it should be."""
    return format_html('<td class="state state-{}">{}</td>', "ok" if ok else "bad", good if ok else bad)
