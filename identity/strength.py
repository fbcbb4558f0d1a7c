"""How hard a new password is to guess, while it is being typed: pages show it as a meter."""

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from identity import passwords
from identity.errors import WeakPassword
from identity.sign_in import person

ABOUT = ("email", "given_name", "family_name")


@never_cache
@sensitive_post_parameters()
@require_POST
def strength(request: HttpRequest) -> JsonResponse:
    """Return the ``score`` of ``password`` (0 to 4; below 3 it is refused) and what to say of it. Keeps nothing."""
    about = [request.POST.get(name, "")[:254] for name in ABOUT]
    if request.user.is_authenticated:
        me = person(request)
        about += [me.email, me.username, me.name]
    password = request.POST.get("password", "")
    try:
        passwords.check(password, *about)
    except WeakPassword as weak:
        score = min(passwords.score(password, *about), passwords.HARD_TO_GUESS - 1)
        return JsonResponse({"score": score, "text": str(weak)})
    score = passwords.score(password, *about)
    return JsonResponse(
        {"score": score, "text": _("Good") if score == passwords.HARD_TO_GUESS else _("Very good")}
    )
