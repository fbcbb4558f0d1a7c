"""No two runs of the lake work at once: the deployed state machine's own states, in the local Step Functions."""

import json
import time

import pytest

from localcloud.server import LocalAws
from tests.infra.cloud import ACCOUNT, REGION, Cloud
from tests.infra.conftest import plain
from tests.infra.test_local import eventually, free_port

pytestmark = pytest.mark.slow
RUN_SECONDS = 6
ARN = f"arn:aws:states:{REGION}:{ACCOUNT}"


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    server = LocalAws(tmp_path_factory.mktemp("aws"), free_port())
    server.start()
    cloud = Cloud(server.endpoint_url)
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    look = {"Effect": "Allow", "Action": "states:ListExecutions", "Resource": f"{ARN}:stateMachine:lake-*"}
    iam = cloud.client("iam")
    iam.create_role(RoleName="machine", AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName="machine", PolicyName="look", PolicyDocument=_policy(look))
    yield cloud.client("stepfunctions")
    server.kill()


def _policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(params=["dev", "prod"])
def start(request, states):
    """Return a function that starts a run, of either engine; its steps only take time."""
    found = request.getfixturevalue(request.param).one("AWS::StepFunctions::StateMachine")
    definition = json.loads(plain(found["DefinitionString"]))
    kept = {name: definition["States"][name] for name in ("OtherRuns", "Turn", "Wait", "Done")}
    kept["Wait"] = {**kept["Wait"], "Seconds": 1}
    (first,) = {choice["Next"] for choice in kept["Turn"]["Choices"]} - {"Wait", "Done"}
    kept[first] = {"Type": "Wait", "Seconds": RUN_SECONDS, "Next": "Worked"}
    kept["Worked"] = {"Type": "Succeed"}
    arn = states.create_state_machine(
        name=f"lake-{request.param}",
        definition=json.dumps({**definition, "States": kept}),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/machine",
    )["stateMachineArn"]
    return lambda: states.start_execution(stateMachineArn=arn)["executionArn"]


def worked(states, run):
    """When a run that has ended did its work: from and until, or None if it did nothing."""
    events = states.get_execution_history(executionArn=run, maxResults=1000)["events"]
    entered = {
        each["stateEnteredEventDetails"]["name"]: each["timestamp"]
        for each in events
        if "stateEnteredEventDetails" in each
    }
    begun = entered.get("Silver") or entered.get("Upkeep")
    return (begun, entered["Worked"]) if begun else None


def ended(states, run):
    status = states.describe_execution(executionArn=run)["status"]
    assert status in {"RUNNING", "SUCCEEDED"}
    return status == "SUCCEEDED"


def test_of_three_runs_the_second_waits_and_the_third_leaves_it_its_work(states, start):
    runs = []
    for _ in range(3):
        runs.append(start())
        time.sleep(1.5)  # executions are ordered by the second in which they started
    for run in runs:
        eventually(lambda run=run: ended(states, run), "the end of a run")
    first, second, third = (worked(states, run) for run in runs)
    assert third is None
    assert first[1] <= second[0]


def test_a_run_alone_begins_at_once(states, start):
    run = start()
    eventually(lambda: ended(states, run), "the end of a run")
    events = states.get_execution_history(executionArn=run, maxResults=1000)["events"]
    assert "Wait" not in [e.get("stateEnteredEventDetails", {}).get("name") for e in events]
    assert worked(states, run)
