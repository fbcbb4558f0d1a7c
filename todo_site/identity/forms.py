"""Forms of the identity pages."""

from typing import Any

from django import forms


class SignInForm(forms.Form):
    """An e-mail address or username, and the password."""

    use_required_attribute = False
    identifier = forms.CharField(
        label="E-mail or username",
        max_length=254,
        error_messages={"required": "Enter your e-mail address or username."},
        widget=forms.TextInput(
            attrs={
                "class": "input",
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )
    password = forms.CharField(
        max_length=256,
        strip=False,
        error_messages={"required": "Enter your password."},
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "current-password"}),
    )
    next = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def fill_in(self, identifier: str, password: str) -> None:
        """Show the form with these values; only for accounts whose password is no secret."""
        self.initial.update(identifier=identifier, password=password)
        self.fields["password"].widget.render_value = True
