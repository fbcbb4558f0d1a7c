"""Who each local program is: the role that it has in AWS, with the permissions that are deployed there."""

import hashlib
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("roles.json")
# What a local program does in the place of a service, which needs no permission in AWS: `localcloud.capture` finds the
# stream and publishes its age, as Lambda does; `localcloud.log_subscription` publishes nothing and needs nothing.
STAND_INS = {
    "capture": ["dynamodb:DescribeTable", "cloudwatch:PutMetricData"],
}


def role_name(purpose: str) -> str:
    """Return the name of a role in the local AWS."""
    return "todo-firehose" if purpose == "firehose" else f"todo-local-{purpose}"


def roles() -> dict[str, dict[str, Any]]:
    """Return, by purpose, the services that a role trusts (`trusted`) and its policy (`statements`)."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    for purpose, actions in STAND_INS.items():
        found[purpose]["statements"].append({"Effect": "Allow", "Action": actions, "Resource": ["*"]})
    return found


def credentials(purpose: str) -> dict[str, str]:
    """Return environment variables with which a program acts as its role: the same at every start, without an end."""
    digest = hashlib.sha256(role_name(purpose).encode()).hexdigest()
    return {
        "AWS_ACCESS_KEY_ID": f"ASIA{digest[:16].upper()}",
        "AWS_SECRET_ACCESS_KEY": hashlib.sha256(f"secret {digest}".encode()).hexdigest(),
        "AWS_SESSION_TOKEN": hashlib.sha256(f"token {digest}".encode()).hexdigest(),
    }
