"""CloudWatch alarms, evaluated as AWS evaluates them.

Holes closed: ministack's alarms take the metrics of all dimensions for those of one, take all their periods for one,
know neither metric math nor what missing data means, refuse a template whose alarm has metric math, and look at
metrics only when some arrive. Periods end at the moment of the evaluation here, not at the full minute. Of metric
math, there is what our alarms use: arithmetic, comparisons, `AND`, `OR`, `IF` and `FILL`.
"""

import ast
import asyncio
import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

EVERY_SECONDS = 5
Points = Callable[[str, str, Mapping[str, str]], Sequence[dict[str, Any]]]
Value = float | None
_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_BREACHING = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def install() -> None:
    """Patch the CloudWatch module and the type AWS::CloudWatch::Alarm."""
    cloudwatch._evaluate_alarm = _evaluate
    put, record = cloudwatch._put_metric_alarm, provisioners._cw_metric_alarm_record

    def put_with_metrics(params: Any, body: Any, is_cbor: bool, is_json: bool = False) -> Any:
        answer = put(params, body, is_cbor, is_json)
        if answer[0] == 200 and body and body.get("Metrics"):
            alarm = cloudwatch._alarms[body["AlarmName"]]
            alarm["Metrics"] = body["Metrics"]
            _evaluate(alarm)
        return answer

    def record_with_metrics(name: str, props: dict[str, Any]) -> dict[str, Any]:
        metrics = props.get("Metrics")
        if not metrics:
            return dict(record(name, props))
        single = {key: value for key, value in props.items() if key != "Metrics"}
        alarm = record(name, {**single, "MetricName": "math", "Namespace": "math"})
        return {**alarm, "MetricName": None, "Namespace": None, "Statistic": None, "Metrics": metrics}

    cloudwatch._put_metric_alarm = put_with_metrics
    provisioners._cw_metric_alarm_record = record_with_metrics


async def run() -> None:
    """Evaluate all alarms again and again: the absence of data is seen by nothing else."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        cloudwatch._evaluate_all_alarms()


def _evaluate(alarm: dict[str, Any]) -> None:
    old, new = alarm["StateValue"], state(alarm, _points, time.time())
    if new == old:
        return
    reason = f"Threshold Crossed: {alarm['ComparisonOperator']} {alarm['Threshold']}"
    alarm |= {"StateValue": new, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _points(namespace: str, name: str, dimensions: Mapping[str, str]) -> Sequence[dict[str, Any]]:
    found: Sequence[dict[str, Any]] = cloudwatch._metrics.get(
        (namespace, name, cloudwatch._dims_key(dimensions)), ()
    )
    return found


def state(alarm: Mapping[str, Any], points: Points, now: float) -> str:
    """Return the state of an alarm: `ALARM`, `OK` or `INSUFFICIENT_DATA`.

    Parameters
    ----------
    alarm
        As of PutMetricAlarm, and its `StateValue`.
    points
        Returns the points of a metric, by namespace, name and dimensions.
    now
        End of the last period (epoch seconds).
    """
    periods = int(alarm["EvaluationPeriods"])
    values = [_value(alarm, points, now, number) for number in range(periods)]
    treatment = alarm.get("TreatMissingData") or "missing"
    breaches = _BREACHING[alarm["ComparisonOperator"]]
    known = [breaches(value, float(alarm["Threshold"])) for value in values if value is not None]
    missing = periods - len(known)
    if not known and treatment in {"missing", "ignore"}:
        return "INSUFFICIENT_DATA" if treatment == "missing" else str(alarm["StateValue"])
    breaching = sum(known) + (missing if treatment == "breaching" else 0)
    return "ALARM" if breaching >= int(alarm.get("DatapointsToAlarm") or periods) else "OK"


def _value(alarm: Mapping[str, Any], points: Points, now: float, number: int) -> Value:
    """Return the alarm's value in a period; number 0 is the last one."""
    queries = alarm.get("Metrics")
    if not queries:
        statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        return _statistic(points, alarm, statistic, int(alarm["Period"]), now, number)
    values: dict[str, Value] = {}
    expressions = [query for query in queries if query.get("Expression")]
    for query in queries:
        if stat := query.get("MetricStat"):
            values[query["Id"]] = _statistic(
                points, stat["Metric"], stat["Stat"], int(stat["Period"]), now, number
            )
    (returned,) = (query for query in expressions if query.get("ReturnData", True))
    return calculate(returned["Expression"], values)


def _statistic(
    points: Points, metric: Mapping[str, Any], statistic: str, period: int, now: float, number: int
) -> Value:
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions") or ()}
    end = now - period * number
    found = [
        point
        for point in points(metric["Namespace"], metric["MetricName"], dimensions)
        if end - period < point["Timestamp"] <= end
    ]
    if not found:
        return None
    value: Value = cloudwatch._stat_value(cloudwatch._calc_stats(found), statistic, found)
    return value


def calculate(expression: str, values: Mapping[str, Value]) -> Value:
    """Return the value of a metric math expression; None where a metric that it needs has no data."""
    python = re.sub(r"\b(AND|OR)\b", lambda match: match[1].lower(), expression)
    return _calculate(ast.parse(python, mode="eval").body, values)


def _calculate(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left, kind, right) | ast.Compare(left, [kind], [right]):
            first, second = _calculate(left, values), _calculate(right, values)
            if first is None or second is None or (isinstance(kind, ast.Div) and not second):
                return None
            return float(_OPERATORS[type(kind)](first, second))
        case ast.BoolOp(kind, parts):
            found = [_calculate(part, values) for part in parts]
            if None in found:
                return None
            return float((all if isinstance(kind, ast.And) else any)(found))
        case ast.Call(ast.Name("FILL"), [metric, other]):
            found_value = _calculate(metric, values)
            return _calculate(other, values) if found_value is None else found_value
        case ast.Call(ast.Name("IF"), [condition, yes, no]):
            holds = _calculate(condition, values)
            return None if holds is None else _calculate(yes if holds else no, values)
    raise ValueError(f"metric math that is not emulated: {ast.unparse(node)}")
