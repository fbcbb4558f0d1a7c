"""People in the admin: their names in place of ids, and their e-mail addresses wherever an id is taken."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.urls import reverse, reverse_lazy
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dynamo_admin.errors import CannotServe
from dynamo_admin.filters import ExactFilter
from identity import directory, email_addresses
from identity.admin_models import User
from identity.errors import IdentityError
from identity.items import UserItem, user_key
from store.attributes import WrongType
from store.reading import get, get_all

AT_ONCE = 100  # what one BatchGetItem reads
SUGGESTED = 10
SHORTEST, LONGEST = 2, 254  # characters for which people are suggested


def names_of(ids: Iterable[str | None]) -> dict[str, str]:
    """Return what people are called, by id; those without a profile are left out. One BatchGetItem for 100 people."""
    wanted = sorted({user_id for user_id in ids if user_id})
    names: dict[str, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        portion = wanted[start : start + AT_ONCE]
        for user_id, profile in zip(portion, _profiles(portion), strict=True):
            if profile is not None:
                names[user_id] = profile.email or profile.name or user_id
    return names


def _profiles(ids: list[str]) -> list[UserItem | None]:
    try:
        return get_all(UserItem, [user_key(user_id) for user_id in ids])
    except WrongType:  # one of them cannot be read; the others have names
        return [_profile(user_id) for user_id in ids]


def _profile(user_id: str) -> UserItem | None:
    try:
        return get(UserItem, user_key(user_id))
    except WrongType:
        return None


def link_to(user_id: str | None, names: Mapping[str, str], fallback: str = "") -> str:
    """Return a link to the page of a person; of somebody without a profile the ``fallback``, or else the id."""
    if user_id and user_id in names:
        address = reverse("admin:tasks_user_change", args=(user_id,))
        return format_html('<a href="{}">{}</a>', address, fallback or names[user_id])
    return fallback or user_id or "-"


def person(name: str, label: Any, *, called: str = "", ordered: bool = True) -> Any:
    """Return a column, or a read-only field, that shows the id in the field ``name`` as a person.

    ``called``: the field with the name that the person had. The admin of the model is a ``WithPeople``.
    """

    @admin.display(description=label, ordering=name if ordered else None)
    def show(obj: Any) -> str:
        user_id = getattr(obj, name)
        names = obj.people if hasattr(obj, "people") else names_of([user_id])
        return link_to(user_id, names, getattr(obj, called) or "" if called else "")

    show.__name__ = name
    return show


class WithPeople:
    """A model admin that reads the names of the people on a page of its list at once."""

    people: tuple[str, ...] = ("user_id",)

    def prepare(self, request: HttpRequest, objects: Iterable[Any]) -> None:
        """Read the names of those whose ids are in the fields ``people``."""
        shown = list(objects)
        names = names_of(getattr(obj, name) for obj in shown for name in self.people)
        for obj in shown:
            obj.people = names


def id_of(text: str) -> str:
    """Return the id of the person with an e-mail address; any other text as it is, for an id.

    Raises CannotServe if nobody has the address, or several accounts have it.
    """
    given = text.strip()
    if "@" not in given:
        return given
    try:
        holder = email_addresses.holder_of(given)
        found = {holder} if holder else {account.id for account in directory.holders_of(given)}
    except (IdentityError, WrongType, ValueError) as error:
        raise CannotServe(
            gettext("The address %(email)s cannot be looked up: %(error)s") % {"email": given, "error": error}
        ) from error
    if len(found) != 1:
        none, many = (
            gettext("Nobody has the address %(email)s."),
            gettext("Several accounts have the address %(email)s. Use an id."),
        )
        raise CannotServe((many if found else none) % {"email": given})
    return found.pop()


class PersonFilter(ExactFilter):
    """Selects what belongs to a person, who is named by an e-mail address or an id."""

    template = "admin/person_filter.html"

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Return the person's rows; all rows if the box is empty. Raises CannotServe."""
        wanted = id_of(self.value)
        if not wanted:
            return queryset
        self.value = names_of([wanted]).get(wanted, self.value)
        return queryset.filter(**{f"{self.field_path}__exact": wanted})


class PersonField(forms.CharField):
    """The id of a person with a profile, who is named by an e-mail address or an id."""

    widget = forms.TextInput(
        attrs={"class": "vTextField", "data-people": reverse_lazy("admin:people"), "autocomplete": "off"}
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(help_text=_("Their e-mail address, or their id."), **options)

    def clean(self, value: Any) -> str:
        """Return the id. Raises ValidationError."""
        given = super().clean(value)
        try:
            wanted = id_of(given)
        except CannotServe as error:
            raise ValidationError(str(error)) from error
        if wanted and _profile(wanted) is None:
            raise ValidationError(gettext("There is no user with this id."))
        return wanted


def suggest(request: HttpRequest) -> JsonResponse:
    """Return people whose address, name or username has the text ``q`` in it, at most ``SUGGESTED``."""
    sought = request.GET.get("q", "").strip()
    found: list[Any] = []
    if SHORTEST <= len(sought) <= LONGEST:
        users: Any = User
        named = Q(email__icontains=sought) | Q(name__icontains=sought) | Q(username__icontains=sought)
        found = [
            user for user in users.objects.filter(named).page(None, SUGGESTED).objects if not user.unreadable
        ]
    people = [{"value": user.email or user.pk, "label": user.name or user.username} for user in found]
    return JsonResponse({"people": people})
