"""Name, time zone, first day of the week, language and colours."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from identity import preference_cookies, preferences, profiles, sign_in, today
from identity.sign_in import context, person
from store.errors import ValidationFailed
from todo_site.account.forms import ProfileForm
from todo_site.account.pages import page, show

NAMES = ("given_name", "family_name", "name")


@page
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change the profile and the preferences."""
    me, device = person(request), today.reported_zone(request)
    stored, _created = profiles.ensure_profile(context(request), profiles.described(me))
    if request.method != "POST":
        values = stored.attribute_values | preferences.get(me.id).attribute_values
        form = ProfileForm(
            initial={name: values.get(name, "") for name in ProfileForm.base_fields}, device=device
        )
    else:
        form = ProfileForm(request.POST, device=device)
        if form.is_valid() and _saved(request, form):
            messages.success(request, _("Saved"))
            answer = redirect("account")
            for cookie, field in ((settings.LANGUAGE_COOKIE_NAME, "language"), ("theme", "theme")):
                preference_cookies.set_cookie(request, answer, cookie, form.cleaned_data[field])
            return answer
    return show(request, "profile", form=form, email=stored.email or me.email)


def _saved(request: HttpRequest, form: ProfileForm) -> bool:
    given: dict[str, Any] = form.cleaned_data
    given["timezone"] = given["timezone"] or str(today.reported_zone(request) or "")
    try:
        profiles.update_profile(
            context(request), {name: given[name] or None for name in (*NAMES, *profiles.IN_SESSIONS)}
        )
        preferences.save(context(request), language=given["language"], theme=given["theme"])
    except ValidationFailed as failure:
        for error in failure.errors:
            form.add_error(error["field"] if error["field"] in form.fields else None, error["message"])
        return False
    for name in profiles.IN_SESSIONS:
        request.session[name] = given[name]
    sign_in.rename(request, **{name: given[name] for name in NAMES})
    return True
