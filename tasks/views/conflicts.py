"""A form whose task changed while it was being edited: rebases the form and shows what changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tasks.forms import FIELD_LABELS, PRIORITY_LABELS, REPEAT_FROM_LABELS, STATUS_LABELS, EditForm
from tasks.items import TaskItem
from tasks.language import rule_words

F = TypeVar("F", bound=EditForm)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that changed elsewhere: its value when the form was opened, its value now, and the form's value."""

    label: str
    before: str
    now: str
    mine: str
    both: bool


def rebase(form: F, task: TaskItem) -> tuple[F, list[Difference]] | None:
    """Return ``form`` with its user's changes on top of the current ``task``, and what changed elsewhere.

    None if the task already holds what the form asks for: the same form was submitted twice.
    """
    now, mine, touched = form.texts_of(task), form.texts(), form.touched()
    if all(_same(now[name]) == _same(mine[name]) for name in touched):
        return None
    return form.rebased(task, int(task.version)), differences(form.base(), now, mine, touched)


def differences(
    base: Mapping[str, str], now: Mapping[str, str], mine: Mapping[str, str], touched: Iterable[str]
) -> list[Difference]:
    """Return the fields whose value ``now`` differs from ``base``, the values that the form was opened with.

    ``mine`` are the form's values and ``touched`` the fields its user changed; all values are form texts.
    """
    changed = set(touched)
    return [
        Difference(
            label=str(FIELD_LABELS[name]),
            before=_shown(name, base[name]),
            now=_shown(name, now[name]),
            mine=_shown(name, mine[name]),
            both=name in changed and _same(mine[name]) != _same(now[name]),
        )
        for name in now
        if _same(now[name]) != _same(base[name])
    ]


def _same(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _shown(name: str, value: str) -> str:
    if name == "recurrence" and value:
        return rule_words.in_words(value)
    labels = {
        "status": STATUS_LABELS,
        "priority": PRIORITY_LABELS,
        "repeat_from": REPEAT_FROM_LABELS,
    }.get(name, {})
    return str(labels.get(value, value))
