"""Stacks of a resource or two, created as CloudFormation creates them: past the API of their service."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.localcloud.conftest import ClientOf


def eventually(look: Callable[[], Any]) -> Any:
    """The first result of `look` that is true."""
    deadline = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def stack_status(shared: ClientOf, name: str, resources: dict[str, Any]) -> tuple[str, str]:
    """The status of a new stack, and the reasons that its events give."""
    client = shared("cloudformation")
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    described = lambda: client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]  # noqa: E731
    eventually(lambda: not described().endswith("_IN_PROGRESS"))
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return described(), " ".join(event.get("ResourceStatusReason", "") for event in events)
