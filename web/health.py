"""The health check. Load balancers send it to a new process first, so it depends on nothing else."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Report that the service responds, with its version and environment. Calls no other service."""
    values = {"status": "healthy", "version": settings.APP_VERSION, "environment": settings.ENVIRONMENT}
    return JsonResponse(values)
