"""The admin site: Django's own, over the table, with the Pipeline and Health pages. Imported with its first request."""
