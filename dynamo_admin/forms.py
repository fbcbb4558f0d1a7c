"""The form that adds or changes an item: valid means written."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS

from dynamo_admin.errors import InvalidFields, StaleForm, WriteRefused

VERSION_PARAMETER = "_version"


def seen_version(sent: Mapping[str, str]) -> int | None:
    """Return the version that the page was made from, of what it sent."""
    text = sent.get(VERSION_PARAMETER, "")
    return int(text) if text.isdecimal() and len(text) < 18 else None


class DynamoForm(forms.ModelForm):  # type: ignore[type-arg]
    """Writes while it validates, so that whatever the write finds wrong is shown like any other mistake.

    ``dynamo_admin`` and ``dynamo_request`` are set by the model admin. The version the page was made from comes back
    with the form (the page's template puts it there), and the write is conditional on it.
    """

    dynamo_admin: Any = None
    dynamo_request: Any = None

    def full_clean(self) -> None:
        """Validate, then write."""
        super().full_clean()
        if self.is_bound and not self.errors and self.dynamo_admin is not None:
            try:
                self._write()
            except InvalidFields as refused:
                for name, texts in refused.errors.items():
                    self.add_error(name if name in self.fields else None, texts)
            except WriteRefused as refused:
                self.add_error(NON_FIELD_ERRORS, str(refused))

    def stored_changes(self, names: Any) -> dict[str, Any]:
        """Return fields as they are stored; None for those to be removed."""
        dump = self._meta.model.dump
        return {name: dump(name, self.cleaned_data[name]) for name in names if name in self.cleaned_data}

    def _write(self) -> None:
        admin, request, obj = self.dynamo_admin, self.dynamo_request, self.instance
        if obj._state.adding:
            given = {k: v for k, v in self.stored_changes(self.fields).items() if v is not None}
            written = admin.create_item(request, given, self)
        else:
            if obj.version is not None and seen_version(self.data) != obj.version:
                raise StaleForm
            written = admin.change_item(request, obj, self.stored_changes(self.changed_data), self)
        fresh = type(obj).from_values(written)
        obj.__dict__.update(fresh.__dict__)
