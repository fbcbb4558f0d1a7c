"""What our stacks use and ministack's CloudFormation does not know.

Holes closed: a template with AWS::Glue::SecurityConfiguration is refused whole, although the Glue service has the
calls; conditions compare the text "AWS::Region" instead of the region.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import glue
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks


def install() -> None:
    """Register the missing resource type; give conditions the pseudo parameters."""
    provisioners._RESOURCE_HANDLERS["AWS::Glue::SecurityConfiguration"] = {
        "create": _create,
        "delete": _delete,
    }
    evaluate = engine._evaluate_conditions

    def evaluate_with_pseudo_parameters(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
        return evaluate(template, {**_pseudo_parameters(), **params})

    for module in (engine, changesets, handlers, stacks):
        module._evaluate_conditions = evaluate_with_pseudo_parameters


def _pseudo_parameters() -> dict[str, dict[str, str]]:
    values = {
        "Region": get_region(),
        "AccountId": get_account_id(),
        "Partition": "aws",
        "URLSuffix": "amazonaws.com",
    }
    return {f"AWS::{name}": {"Value": value} for name, value in values.items()}


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
    name = props.get("Name") or f"{stack_name}-{logical_id}"
    configuration = props["EncryptionConfiguration"]
    # CloudFormation and the API spell one member differently.
    encryption = {
        ("S3Encryption" if key == "S3Encryptions" else key): value for key, value in configuration.items()
    }
    status, _, body = glue._create_security_configuration(
        {"Name": name, "EncryptionConfiguration": encryption}
    )
    if status != 200:
        raise ValueError(f"AWS::Glue::SecurityConfiguration {name}: {body!r}")
    return name, {}


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    glue._delete_security_configuration({"Name": physical_id})
