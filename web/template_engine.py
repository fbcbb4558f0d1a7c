"""Django's templates, whose output holds nothing that reorders, hides or controls text (ADR 042)."""

from typing import Any

from django.http import HttpRequest
from django.template.backends.django import DjangoTemplates, Template
from django.utils.safestring import SafeString, mark_safe

from store.text import shown


class _Fit(Template):
    def render(self, context: dict[str, Any] | None = None, request: HttpRequest | None = None) -> SafeString:
        """Return the output without what it must not repeat, wherever it came from: a form, a link, an older task."""
        return mark_safe(shown(super().render(context, request)))  # noqa: S308 (it was safe before)


class FitTemplates(DjangoTemplates):
    """The template backend of the site."""

    def from_string(self, template_code: str) -> _Fit:
        """Return a template."""
        return _Fit(super().from_string(template_code).template, self)

    def get_template(self, template_name: str) -> _Fit:
        """Return the template of this name. Raises TemplateDoesNotExist."""
        return _Fit(super().get_template(template_name).template, self)
