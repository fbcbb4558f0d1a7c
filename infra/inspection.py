"""Looks at what a deployed stage does beside answering requests: its metrics and alarms."""

import boto3

from infra import tools
from infra.settings import METRICS_NAMESPACE


def metrics(function: str) -> int:
    """Run the function that publishes the business metrics; return how many metrics there are.

    Raises
    ------
    tools.ToolError
        If it fails, or publishes nothing.
    """
    answer = boto3.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    said = answer["Payload"].read().decode(errors="replace")
    if "FunctionError" in answer:
        raise tools.ToolError(f"{function} failed: {said[:500]}")
    pages = boto3.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=METRICS_NAMESPACE)
    found = {metric["MetricName"] for page in pages for metric in page["Metrics"]}
    if "TotalUsers" not in found:
        raise tools.ToolError(
            f"{function} published {sorted(found) or 'no metric'}, not TotalUsers: {said[:500]}"
        )
    return len(found)


def alarms(topic: str) -> int:
    """Check that every alarm tells `topic` (an ARN), and that none has gone off; return how many there are."""
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms").paginate()
    found = [
        alarm
        for page in pages
        for kind in ("MetricAlarms", "CompositeAlarms")
        for alarm in page.get(kind, [])
    ]
    mute = [alarm["AlarmName"] for alarm in found if topic not in alarm["AlarmActions"]]
    raised = [
        f"{alarm['AlarmName']}: {alarm.get('StateReason')}"
        for alarm in found
        # Those about silence are right about a stage that is minutes old.
        if alarm["StateValue"] == "ALARM" and alarm.get("TreatMissingData") != "breaching"
    ]
    if not found or mute or raised:
        raise tools.ToolError(f"{len(found)} alarms; they tell nobody: {mute}; they went off: {raised}")
    return len(found)
