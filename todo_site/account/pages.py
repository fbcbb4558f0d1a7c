"""Shared by the account pages."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from identity.decorators import View, form_page, person_required


def page(view: View) -> View:
    """Make ``view`` an account page of the signed-in person."""
    return form_page(person_required(view))


def show(request: HttpRequest, name: str, **shown: Any) -> HttpResponse:
    """Render ``account/{name}.html``; the status is 422 if a form in the context has errors."""
    failed = any(isinstance(value, forms.Form) and value.errors for value in shown.values())
    return render(request, f"account/{name}.html", {"here": name, **shown}, status=422 if failed else 200)
