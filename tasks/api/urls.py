"""The API's routes: everything under ``/api/``, and ``/health`` for load balancers."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from tasks.api import errors, tasks, users
from tasks.api.auth import Caller
from tasks.api.schemas import HealthOut

api = NinjaAPI(
    title="Todo with Insights",
    version="1",
    urls_namespace="api",
    docs_url=None,
    openapi_url="/openapi.json",
    auth=Caller(),
)
errors.install(api)
api.add_router("/v1/tasks", tasks.router)
api.add_router("/v1/users", users.router)


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Say that the service answers, and which one it is. Calls nothing else."""
    values = {"status": "healthy", "version": settings.APP_VERSION, "environment": settings.ENVIRONMENT}
    return JsonResponse(values)


@api.get("/health", auth=None, response=HealthOut, summary="Health", tags=["health"])
def api_health(request: HttpRequest) -> HttpResponse:
    """Say that the service answers, and which one it is. Public."""
    return health(request)


urlpatterns = [path("health", health, name="health"), path("api/", api.urls)]
