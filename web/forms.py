"""The form field of everything that people write: it takes text as ``store.text`` says."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from store import text


class TextField(forms.CharField):
    """One line of text, or what another function of ``store.text`` makes of it."""

    clean_text: Callable[[str], str] = staticmethod(text.line)

    def __init__(self, *args: Any, clean_text: Callable[[str], str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, strip=False, **kwargs)
        if clean_text:
            self.clean_text = clean_text

    def to_python(self, value: Any) -> Any:
        """Return the text as it is stored; limits count it like this."""
        given = super().to_python(value)
        try:
            return self.clean_text(given) if isinstance(given, str) else given
        except text.TextRefused as error:
            raise ValidationError(str(error), code=error.code) from None
