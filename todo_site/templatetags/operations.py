"""Parts of the tables on the admin's operations pages."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def columns(*names: str) -> SafeString:
    """Return the header of a table with these columns."""
    cells = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in names))
    return format_html("<thead><tr>{}</tr></thead>", cells)


@register.simple_tag
def verdict(ok: bool, good: str, bad: str) -> SafeString:
    """Return a table cell that shows ``good`` or ``bad``."""
    return format_html('<td class="state state-{}">{}</td>', "ok" if ok else "bad", good if ok else bad)
