"""The admin site: Django's own, with the Pipeline and Health pages. Imported by the first request to it."""
