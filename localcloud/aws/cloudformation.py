"""CloudFormation features that our stacks use and ministack lacks.

Holes closed: a template with AWS::Glue::SecurityConfiguration or AWS::Budgets::Budget is refused whole, although the
services have the calls; conditions compare the text "AWS::Region" instead of the region, and know no `Fn::Join`, so
that the CDK's bootstrap gives CloudFormation's role no policy; a table's time to live and point-in-time recovery,
and a bucket's tags, are ignored; a reference to a secret is its name, where AWS returns its ARN.
"""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import budgets, dynamodb, glue, s3, secretsmanager
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from localcloud.aws.protocol import Response

Created = tuple[str, dict[str, Any]]
TABLE, SECURITY = "AWS::DynamoDB::Table", "AWS::Glue::SecurityConfiguration"
BUDGET, SECRET = "AWS::Budgets::Budget", "AWS::SecretsManager::Secret"
BUCKET = "AWS::S3::Bucket"
TABLE_SETTINGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "TimeToLiveSpecification": dynamodb._update_ttl,
    "PointInTimeRecoverySpecification": dynamodb._update_continuous_backups,
}


def install() -> None:
    """Register the missing resource type, complete the table's, give conditions the pseudo parameters."""
    types = provisioners._RESOURCE_HANDLERS
    types[SECURITY] = {"create": _create_security, "delete": _delete_security}
    types[BUDGET] = {"create": _create_budget, "delete": _delete_budget}
    types[SECRET] = {**types[SECRET], **_by_arn(types[SECRET])}
    types[TABLE] = {**types[TABLE], "create": _with_settings(types[TABLE]["create"])}
    types[BUCKET] = {**types[BUCKET], "create": _with_tags(types[BUCKET]["create"])}
    evaluate: Callable[..., dict[str, bool]] = engine._evaluate_conditions

    def evaluate_completely(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
        known = {**_pseudo_parameters(), **params}
        return evaluate({**template, "Conditions": _joined(template.get("Conditions", {}), known)}, known)

    for module in (engine, changesets, handlers, stacks):
        module._evaluate_conditions = evaluate_completely


def _joined(value: Any, params: dict[str, Any]) -> Any:
    """Return conditions with the text of each `Fn::Join` in its place."""
    if isinstance(value, list):
        return [_joined(each, params) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" not in value:
        return {name: _joined(each, params) for name, each in value.items()}
    separator, parts = value["Fn::Join"]
    listed = _value(parts, params).split(",") if isinstance(parts, dict) else parts
    return str(separator).join(_value(part, params) for part in listed)


def _value(part: Any, params: dict[str, Any]) -> str:
    return str(params[part["Ref"]]["Value"] if isinstance(part, dict) else part)


def _pseudo_parameters() -> dict[str, dict[str, str]]:
    values = {
        "Region": get_region(),
        "AccountId": get_account_id(),
        "Partition": "aws",
        "URLSuffix": "amazonaws.com",
    }
    return {f"AWS::{name}": {"Value": value} for name, value in values.items()}


def _with_settings(create: Callable[..., Created]) -> Callable[..., Created]:
    def create_and_set(logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
        name, attributes = create(logical_id, props, stack_name)
        for setting, update in TABLE_SETTINGS.items():
            if setting in props:
                _must_succeed(TABLE, name, update({"TableName": name, setting: props[setting]}))
        return name, attributes

    return create_and_set


def _with_tags(create: Callable[..., Created]) -> Callable[..., Created]:
    def create_and_tag(logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
        name, attributes = create(logical_id, props, stack_name)
        if tags := props.get("Tags"):
            s3._bucket_tags[name] = {each["Key"]: each["Value"] for each in tags}
        return name, attributes

    return create_and_tag


def _by_arn(secret: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """Return the handlers of a secret, which keep its name, with the ARN as what a template's reference returns."""

    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
        _, attributes = secret["create"](logical_id, props, stack_name)
        return attributes["Arn"], attributes

    def update(physical_id: str, *more: Any, **named: Any) -> Created:
        _, attributes = secret["update"](_secret_name(physical_id), *more, **named)
        return attributes["Arn"], attributes

    def delete(physical_id: str, props: dict[str, Any]) -> None:
        secret["delete"](_secret_name(physical_id), props)

    return {"create": create, "update": update, "delete": delete}


def _secret_name(arn: str) -> str:
    found: tuple[str, dict[str, Any] | None] = secretsmanager._resolve(arn)
    return found[0]


def _create_security(logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
    name = props.get("Name") or f"{stack_name}-{logical_id}"
    configuration = props["EncryptionConfiguration"]
    # CloudFormation and the API name this member differently.
    encryption = {
        ("S3Encryption" if key == "S3Encryptions" else key): value for key, value in configuration.items()
    }
    _must_succeed(
        SECURITY,
        name,
        glue._create_security_configuration({"Name": name, "EncryptionConfiguration": encryption}),
    )
    return name, {}


def _delete_security(physical_id: str, props: dict[str, Any]) -> None:
    glue._delete_security_configuration({"Name": physical_id})


def _create_budget(logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
    budget = dict(props["Budget"])
    name = budget.setdefault("BudgetName", f"{stack_name}-{logical_id}")
    # The API takes amounts as text, a template as numbers.
    budget["BudgetLimit"] = {**budget["BudgetLimit"], "Amount": str(budget["BudgetLimit"]["Amount"])}
    request = {
        "AccountId": get_account_id(),
        "Budget": budget,
        "NotificationsWithSubscribers": props.get("NotificationsWithSubscribers", []),
    }
    _must_succeed(BUDGET, name, budgets._create_budget(request))
    return name, {}


def _delete_budget(physical_id: str, props: dict[str, Any]) -> None:
    budgets._delete_budget({"AccountId": get_account_id(), "BudgetName": physical_id})


def _must_succeed(kind: str, name: str, response: Response) -> None:
    status, _, body = response
    if status != 200:
        raise ValueError(f"{kind} {name}: {body!r}")
