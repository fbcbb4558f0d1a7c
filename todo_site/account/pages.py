"""Shared by the account pages."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from identity import forms
from identity.decorators import View, form_page, person_required


def page(view: View) -> View:
    """Make ``view`` an account page of the signed-in person."""
    return form_page(person_required(view))


def show(request: HttpRequest, name: str, **shown: Any) -> HttpResponse:
    """Render ``account/{name}.html`` with a status as of ``identity.forms.show``."""
    return forms.show(request, f"account/{name}.html", {"here": name, **shown})
