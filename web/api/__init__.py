"""What all operations of the REST API share."""

from ninja import Schema

# Answers are rendered without ninja's models of them, which describe the API in its document: built for that only.
Schema.model_config["defer_build"] = True
