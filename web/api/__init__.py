"""The parts that operations of the REST API share."""

from ninja import Schema

# Ninja's response models only describe the API in its document; responses are rendered without them.
Schema.model_config["defer_build"] = True
