"""The site as a Django app: it owns the translations."""

from django.apps import AppConfig
from django.conf import settings

from todo_site import translations


class SiteConfig(AppConfig):
    """Compiles the catalogues that have changed, so that no other set-up step has to think of it."""

    name = "todo_site"

    def ready(self) -> None:
        """Bring the compiled translations up to date; a deployed package already has them."""
        for folder in settings.LOCALE_PATHS:
            translations.compile_changed(folder)
