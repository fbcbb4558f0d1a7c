"""The API: every operation under ``/api/``. The first request below that prefix imports it."""

from django.http import HttpRequest, HttpResponse

from identity.api import access_tokens, users
from identity.api.authentication import Caller
from insights import api as insights
from tasks.api import batch, calendar, exports, imports, recurrence, tasks, transfer
from todo_site import api_document
from web.api import error_handlers
from web.api.openapi import Api
from web.api.schemas import HealthOut
from web.health import health

api = Api(
    title="Todo with Insights",
    version="1",
    description=api_document.DESCRIPTION,
    urls_namespace="api",
    docs_url=None,
    openapi_url="/openapi.json",
    openapi_extra=api_document.EXTRA,
    servers=api_document.SERVERS,
    example_path="/api/v1/tasks",
    auth=Caller(),
)
error_handlers.install(api)
api.add_router("/v1/tasks", batch.router)  # before tasks: "batch" is not an id
api.add_router("/v1/tasks", tasks.router)
api.add_router("/v1/trash", tasks.trash)
api.add_router("/v1/recurrence", recurrence.router)
api.add_router("/v1/users", users.router)
api.add_router("/v1/tokens", access_tokens.router)
api.add_router("/v1/insights", insights.router)
api.add_router("/v1", transfer.router)
api.add_router("/v1/exports", exports.router)
api.add_router("/v1/imports", imports.router)
api.add_router("/v1/calendar", calendar.router)


@api.get("/health", auth=None, response=HealthOut, summary="Health", tags=["health"])
def api_health(request: HttpRequest) -> HttpResponse:
    """Report that the service responds, with its version and environment. Public."""
    return health(request)
