"""The form that adds or changes an item."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from dynamo_admin.errors import InvalidFields, WriteRefused

VERSION_PARAMETER = "_version"


def seen_version(sent: Mapping[str, str]) -> int | None:
    """Return the version of the item that the submitted page showed; None if it named none."""
    text = sent.get(VERSION_PARAMETER, "")
    return int(text) if text.isdecimal() and len(text) < 18 else None


class DynamoForm(forms.ModelForm):  # type: ignore[type-arg]
    """A ModelForm that hands its values over as the item stores them."""

    def stored_changes(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the named fields' values as they are stored; None for those to be removed."""
        dump = self._meta.model.dump
        return {name: dump(name, self.cleaned_data[name]) for name in names if name in self.cleaned_data}

    def add_refusal(self, refused: WriteRefused) -> None:
        """Show why the write was refused, beside the fields concerned where there are any."""
        if isinstance(refused, InvalidFields):
            for name, texts in refused.errors.items():
                self.add_error(name if name in self.fields else None, texts)
        else:
            self.add_error(None, str(refused))

    def differences(self) -> list[tuple[str, str, str]]:
        """Return the fields in which what was typed differs from what is stored: label, stored, typed."""
        return [
            (
                str(self[name].label),
                _shown(self[name], self[name].initial),
                _shown(self[name], self[name].value()),
            )
            for name in self.changed_data
        ]


def _shown(bound: Any, value: Any) -> str:
    prepared = bound.field.prepare_value(value)
    called = dict(getattr(bound.field, "choices", None) or ())
    values = prepared if isinstance(prepared, list | tuple) else [prepared]
    return ", ".join(str(called.get(each, each)) for each in values if each not in (None, "")) or "-"
