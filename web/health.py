"""Whether the service answers: what a load balancer asks a new process first, so it needs nothing else of ours."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Say that the service answers, and which one it is. Calls nothing else."""
    values = {"status": "healthy", "version": settings.APP_VERSION, "environment": settings.ENVIRONMENT}
    return JsonResponse(values)
