"""Signing in and out, the theme, the zone that is offered, and announcements that were read."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from identity import preference_cookies, profiles, registration, sealing, sign_in, today, workspace
from identity.decorators import form_page, person_required
from identity.errors import ChallengeRequired, IdentityError
from identity.forms import SignInForm, show
from identity.next_page import safe_url
from store import time_zones
from web.context_processors import THEMES

_NO_CHALLENGES = gettext_lazy("This account needs a second step that this site does not support.")
# Accounts of the demo workspace, which only a local copy has.
_DEMO = (
    ("person@example.com", "Person", gettext_lazy("own tasks")),
    ("manager@example.com", "Manager", gettext_lazy("own tasks, and everybody's insights")),
    ("admin@example.com", "Admin", gettext_lazy("the same, and the admin pages")),
)


@form_page
def login(request: HttpRequest) -> HttpResponse:
    """Show the sign-in page, or sign in and redirect to ``next``."""
    if request.method == "POST":
        form = SignInForm(request.POST)
        answer = _sign_in(request, form) if form.is_valid() else None
        return answer or _login_page(request, form)
    following = request.GET.get("next", "")
    if request.user.is_authenticated:
        return redirect(safe_url(request, following))
    link = request.GET.get("for")
    about = sealing.unseal("login", link, registration.LINK_SECONDS) if link else None
    form = SignInForm(initial={"next": following, "identifier": about[0] if about else ""})
    demo = _demo_accounts(request.GET.get("demo", ""))
    if any(account["chosen"] for account in demo):
        form.fill_in(request.GET["demo"], settings.DEMO_PASSWORD)
    return _login_page(request, form)


def _sign_in(request: HttpRequest, form: SignInForm) -> HttpResponse | None:
    given = form.cleaned_data
    try:
        signed_in = sign_in.sign_in(request, given["identifier"], given["password"])
    except ChallengeRequired as challenge:
        if (answer := registration.redirect_to_challenge(request, challenge, given["next"])) is not None:
            return answer
        form.add_error(None, _NO_CHALLENGES)
    except IdentityError as error:
        form.explain(error)
    else:
        return registration.enter(request, signed_in, given["next"])
    return None


def _login_page(request: HttpRequest, form: SignInForm) -> HttpResponse:
    demo = _demo_accounts(request.GET.get("demo", ""))
    return show(request, "identity/login.html", {"form": form, "demo_accounts": demo})


def _demo_accounts(chosen: str) -> list[dict[str, Any]]:
    """Return the demo accounts to offer; none unless this is a local copy with their password."""
    if settings.ENVIRONMENT != "local" or not settings.DEMO_PASSWORD:
        return []
    return [
        {"email": email, "name": name, "about": about, "chosen": email == chosen}
        for email, name, about in _DEMO
    ]


@never_cache
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Sign out, and show the sign-in page."""
    sign_in.sign_out(request)
    return redirect("login")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Store the theme in a cookie (``light``, ``dark`` or blank for the system's); JavaScript does it without this."""
    chosen = request.POST.get("theme", "")
    if chosen and chosen not in THEMES:
        raise BadRequest(_("There is no such theme."))
    answer = redirect(safe_url(request, request.POST.get("next", "")))
    preference_cookies.set_cookie(request, answer, "theme", chosen)
    return answer


@never_cache
@require_POST
def end_looking(request: HttpRequest) -> HttpResponse:
    """Let an admin who looks as another person be themselves again; show that person's account in the admin."""
    admin = getattr(request, "looked_by", None) if request.user.is_authenticated else None
    if admin is None:
        return redirect(settings.LOGIN_REDIRECT_URL)
    from identity import looking  # here: hardly anybody does

    seen: Any = request.user
    looking.end(request, admin)
    return redirect(f"{resolve_url('admin')}tasks/user/{seen.id}/help/")


@require_POST
def dismiss(request: HttpRequest) -> HttpResponse:
    """Show the announcement ``id`` in this browser no more: a cookie remembers the latest of them."""
    answer = redirect(safe_url(request, request.POST.get("next", "")))
    known = {one.id for one in workspace.current().announcements}
    gone = {*request.COOKIES.get(workspace.DISMISSED, "").split("."), request.POST.get("id", "")}
    preference_cookies.set_cookie(request, answer, workspace.DISMISSED, ".".join(sorted(gone & known)))
    return answer


@require_POST
@person_required
def zone(request: HttpRequest) -> HttpResponse:
    """Give the person's profile the zone ``use`` that a page has offered, or do not offer ``refuse`` again."""
    answer = redirect(safe_url(request, request.POST.get("next", "")))
    offered = time_zones.named(request.POST.get("use") or request.POST.get("refuse"))
    if offered is None:
        raise BadRequest(_("There is no such time zone."))
    if "use" not in request.POST:
        preference_cookies.set_cookie(request, answer, today.REFUSED, str(offered))
        return answer
    profiles.update_profile(sign_in.context(request), {"timezone": str(offered)})
    request.session["timezone"] = str(offered)
    messages.success(request, _("Times are now those of %(zone)s.") % {"zone": today.name_of(offered)})
    return answer
