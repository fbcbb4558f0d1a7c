"""The properties of the stacks that something depends on."""

import json
import re
from pathlib import Path

import pytest

from etl.lake import catalog
from etl.lake.tables import BRONZE
from localcloud import accounts
from store.model import TTL_ATTRIBUTE, table_definition
from tests.infra.conftest import STACKS, plain

ROOT = Path(__file__).resolve().parents[2]
BRONZE_BUCKET = "todo-dev-bronze-000000000000-us-east-1"


def test_every_stack_has_resources(dev):
    assert all(dev.template(stack)["Resources"] for stack in STACKS)


# --- DataStack -----------------------------------------------------------------------------------------------


def test_the_table_is_the_one_the_product_defines(dev):
    table = dev.one("AWS::DynamoDB::Table")
    wanted = table_definition("todo-app-data")

    def by_name(entries):
        return sorted(entries, key=lambda entry: entry["AttributeName"])

    assert table["TableName"] == wanted["TableName"]
    assert table["BillingMode"] == wanted["BillingMode"]
    assert table["KeySchema"] == wanted["KeySchema"]
    assert table["GlobalSecondaryIndexes"] == wanted["GlobalSecondaryIndexes"]
    assert table["LocalSecondaryIndexes"] == wanted["LocalSecondaryIndexes"]
    assert by_name(table["AttributeDefinitions"]) == by_name(wanted["AttributeDefinitions"])
    assert table["StreamSpecification"]["StreamViewType"] == wanted["StreamSpecification"]["StreamViewType"]


def test_the_table_is_encrypted_backed_up_and_protected(dev):
    table = dev.one("AWS::DynamoDB::Table")
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": TTL_ATTRIBUTE, "Enabled": True}
    assert table["DeletionProtectionEnabled"] is True


KEPT = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool", "AWS::KMS::Key")


@pytest.mark.parametrize("kind", [*KEPT, "AWS::SecretsManager::Secret"])
def test_what_holds_data_outlives_its_stack(dev, kind):
    policies = {
        resource["DeletionPolicy"]
        for resource in dev.resources(kind).values()
        if "-static-" not in resource["Properties"].get("BucketName", "")  # a deployment makes them again
    }
    assert policies == {"Retain"}


@pytest.mark.parametrize("kind", KEPT)
def test_asked_for_nothing_outlives_its_stack(synthesise, kind):
    open_ = synthesise(stage="dev", protect="false")
    policies = {resource["DeletionPolicy"] for resource in open_.resources(kind).values()}
    assert policies == {"Delete"}
    assert open_.one("AWS::DynamoDB::Table")["DeletionProtectionEnabled"] is False


# --- ApiStack ------------------------------------------------------------------------------------------------


def test_people_sign_in_as_they_do_locally(dev):
    pool, local = dev.one("AWS::Cognito::UserPool"), accounts.pool_definition()
    for name in (
        "AliasAttributes",
        "AutoVerifiedAttributes",
        "UsernameConfiguration",
        "AccountRecoverySetting",
    ):
        assert pool[name] == local[name]
    assert pool["UserPoolName"] == accounts.POOL_NAME
    assert pool["AdminCreateUserConfig"] == local["AdminCreateUserConfig"]
    assert pool["VerificationMessageTemplate"].items() >= local["VerificationMessageTemplate"].items()
    assert pool["EmailVerificationMessage"] == accounts.CODE_MAIL
    groups = {g["Properties"]["GroupName"] for g in dev.resources("AWS::Cognito::UserPoolGroup").values()}
    assert groups == set(accounts.GROUPS)


def test_the_client_works_as_it_does_locally(dev):
    client, local = dev.one("AWS::Cognito::UserPoolClient"), accounts.client_definition("any")
    assert sorted(client["ExplicitAuthFlows"]) == sorted(local["ExplicitAuthFlows"])
    for name in ("ClientName", "GenerateSecret", "PreventUserExistenceErrors", "EnableTokenRevocation"):
        assert client[name] == local[name]


def test_passwords_and_second_factor(dev):
    pool = dev.one("AWS::Cognito::UserPool")
    policy = pool["Policies"]["PasswordPolicy"]
    assert policy == accounts.PASSWORD_POLICY
    settings = accounts.pool_definition()["UserAttributeUpdateSettings"]
    assert pool["UserAttributeUpdateSettings"] == settings
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])


NEIGHBOURS = ("states", "firehose", "sqs", "sns", "events")


def statements(assembly, role_name):
    """`{action: resources}` of a role's permissions."""
    roles = assembly.resources("AWS::IAM::Role")
    (role_id,) = (i for i, role in roles.items() if role["Properties"].get("RoleName") == role_name)
    allowed: dict[str, set[str]] = {}
    for policy in assembly.resources("AWS::IAM::Policy").values():
        if f"<{role_id}>" in policy["Properties"]["Roles"]:
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                actions, resources = statement["Action"], statement["Resource"]
                for action in [actions] if isinstance(actions, str) else actions:
                    allowed.setdefault(action, set()).update(
                        [resources] if isinstance(resources, str) else resources
                    )
    return allowed


def test_the_web_function_may_not_scan_or_drop_or_reach_elsewhere(dev):
    allowed = statements(dev, "todo-dev-web")
    table = {action for action in allowed if action.startswith("dynamodb:")}
    assert table == {
        f"dynamodb:{verb}"
        for verb in (
            "GetItem",
            "BatchGetItem",
            "Query",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "BatchWriteItem",
            "ConditionCheckItem",
            "DescribeTable",
            "DescribeStream",
        )
    }
    where = "arn:aws:dynamodb:us-east-1:000000000000:table/todo-app-data"
    assert set().union(*(allowed[action] for action in table)) == {
        where,
        f"{where}/index/*",
        f"{where}/stream/*",
    }
    gold = "arn:aws:s3:::todo-dev-gold-000000000000-us-east-1"
    orders = "arn:aws:s3:::todo-dev-silver-000000000000-us-east-1/silver/_orders/*"
    exports = f"{gold}/exports/*"
    assert allowed["s3:PutObject"] == {f"{gold}/athena-results/*", f"{gold}/cache/*", exports, orders}
    read = {where.rpartition("us-east-1/")[2] for where in allowed["s3:GetObject"]}
    trail = {"requests/*", "silver/task_events/*"}
    pipeline = {"silver/_*.json", "silver/quarantine/*", "silver/_orders/*"}
    assert read == {"gold/*", "athena-results/*", "cache/*", "exports/*", *pipeline, *trail}
    assert allowed["s3:DeleteObject"] == allowed["s3:DeleteObjectVersion"] == {exports}


def trusted(assembly, role_name):
    """`{service: conditions}` of those that may assume a role."""
    role = assembly.one("AWS::IAM::Role", RoleName=role_name)
    found = {}
    for statement in role["AssumeRolePolicyDocument"]["Statement"]:
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole")
        services = statement["Principal"]["Service"]
        services = [services] if isinstance(services, str) else services
        found |= dict.fromkeys(services, statement.get("Condition"))
    return found


def test_the_gateway_calls_the_web_function_as_its_role_also_through_an_alias(dev):
    """Zappa names the role in each integration, and the function has no policy of its own."""
    assert (
        trusted(dev, "todo-dev-web")
        == {
            "lambda.amazonaws.com": None,
            "apigateway.amazonaws.com": None,  # with a condition on the account, nobody knows whether it would call
        }
    )
    function = "arn:aws:lambda:us-east-1:000000000000:function:todo-dev"
    assert statements(dev, "todo-dev-web")["lambda:InvokeFunction"] == {function, f"{function}:*"}


def test_who_asks_athena_may_read_the_database_that_athena_itself_asks_for(dev):
    read = statements(dev, "todo-dev-web")["glue:GetDatabase"]
    where = "arn:aws:glue:us-east-1:000000000000"
    names = ("catalog", "database/default", "database/todo_analytics", "table/todo_analytics/*")
    assert read == {f"{where}:{name}" for name in names}


def test_the_web_function_may_start_the_lake_and_look_after_the_rest(dev):
    allowed = statements(dev, "todo-dev-web")
    asked = {action: allowed[action] for action in allowed if action.split(":")[0] in NEIGHBOURS}
    where = "us-east-1:000000000000"
    machine = {f"arn:aws:states:{where}:stateMachine:todo-lake"}
    streams = {f"arn:aws:firehose:{where}:deliverystream/todo-{name}-stream" for name in ("cdc", "logs")}
    assert asked == {
        "states:StartExecution": machine,
        "states:DescribeStateMachine": machine,
        "firehose:DescribeDeliveryStream": streams,
        **{
            f"sqs:{verb}": {f"arn:aws:sqs:{where}:todo-cdc-failures"}
            for verb in ("GetQueueAttributes", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility")
        },
        "sns:GetTopicAttributes": {f"arn:aws:sns:{where}:todo-api-alerts"},
    }


def test_who_runs_the_lake_can_erase_a_person_from_every_layer(dev):
    allowed = statements(dev, "todo-dev-lake")
    wanted = {
        "bronze": ("cdc/*", "cdc-errors/*", "requests/*", "requests-errors/*"),
        "silver": ("silver/*",),
        "gold": ("gold/*", "athena-results/*", "cache/*"),
    }
    for layer, keys in wanted.items():
        bucket = f"arn:aws:s3:::todo-dev-{layer}-000000000000-us-east-1"
        assert bucket in allowed["s3:ListBucketVersions"]
        for verb in ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"):
            rewritten = keys if verb != "s3:PutObject" or layer == "bronze" else keys[:1]
            assert {f"{bucket}/{key}" for key in rewritten} <= allowed[verb]


# --- EtlStack ------------------------------------------------------------------------------------------------


def test_buckets_are_private_encrypted_and_versioned(dev):
    buckets = {i: b["Properties"] for i, b in dev.resources("AWS::S3::Bucket").items()}
    assert {b["BucketName"].split("-")[2] for b in buckets.values()} == {
        "bronze",
        "silver",
        "gold",
        "packages",
        "access",
        "static",
    }
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        assert bucket["LifecycleConfiguration"]["Rules"]
        if "access-logs" not in bucket["BucketName"]:
            if "-static-" not in bucket["BucketName"]:
                assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
            assert "access-logs" in bucket["LoggingConfiguration"]["DestinationBucketName"]


def test_access_logs_come_from_this_account_only(dev):
    statements = [
        statement
        for policy in dev.resources("AWS::S3::BucketPolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    ]
    assert [statement["Condition"] for statement in statements] == [
        {"StringEquals": {"aws:SourceAccount": "000000000000"}}
    ]


def test_everything_that_takes_messages_takes_them_over_tls_only(dev):
    guarded = {}
    for kind, target in (
        ("AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::SNS::TopicPolicy", "Topics"),
    ):
        for policy in dev.resources(kind).values():
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                if statement.get("Condition", {}).get("Bool") == {"aws:SecureTransport": "false"}:
                    guarded.setdefault(kind, []).append((statement["Effect"], policy["Properties"][target]))
    assert {kind: len(found) for kind, found in guarded.items()} == {
        "AWS::S3::BucketPolicy": len(dev.resources("AWS::S3::Bucket")),
        "AWS::SQS::QueuePolicy": len(dev.resources("AWS::SQS::Queue")),
        "AWS::SNS::TopicPolicy": len(dev.resources("AWS::SNS::Topic")),
    }
    assert {effect for found in guarded.values() for effect, _ in found} == {"Deny"}


def test_changes_are_delivered_as_the_lake_defines(dev):
    stream = dev.one("AWS::KinesisFirehose::DeliveryStream", DeliveryStreamName="todo-cdc-stream")
    destination = stream["ExtendedS3DestinationConfiguration"]
    wanted = catalog.firehose_stream(
        name="todo-cdc-stream",
        bronze_bucket=BRONZE_BUCKET,
        database="todo_analytics",
        region="us-east-1",
        role_arn=destination["RoleARN"],
        log_group=destination["CloudWatchLoggingOptions"]["LogGroupName"],
    )
    assert destination == wanted["ExtendedS3DestinationConfiguration"]
    assert stream["DeliveryStreamEncryptionConfigurationInput"] == {"KeyType": "AWS_OWNED_CMK"}


def test_the_request_log_is_unpacked_and_converted(dev):
    stream = dev.one("AWS::KinesisFirehose::DeliveryStream", DeliveryStreamName="todo-logs-stream")
    destination = stream["ExtendedS3DestinationConfiguration"]
    processors = [p["Type"] for p in destination["ProcessingConfiguration"]["Processors"]]
    assert processors == ["Decompression", "CloudWatchLogProcessing"]
    assert destination["Prefix"].startswith("requests/year=!{timestamp:yyyy}/month=")
    schema = destination["DataFormatConversionConfiguration"]["SchemaConfiguration"]
    assert schema["TableName"] == "requests"
    wanted = catalog.requests_stream(
        name="todo-logs-stream",
        bronze_bucket=BRONZE_BUCKET,
        database="todo_analytics",
        region="us-east-1",
        role_arn=destination["RoleARN"],
        log_group=destination["CloudWatchLoggingOptions"]["LogGroupName"],
    )
    assert destination == wanted["ExtendedS3DestinationConfiguration"]


def test_bronze_tables_have_partition_projection(dev):
    tables = {
        t["Properties"]["TableInput"]["Name"]: t["Properties"]["TableInput"]
        for t in dev.resources("AWS::Glue::Table").values()
    }
    assert tables["cdc"] == catalog.table_input(BRONZE, f"s3://{BRONZE_BUCKET}/cdc/")
    requests = tables["requests"]["Parameters"]
    template = f"s3://{BRONZE_BUCKET}/requests/year=${{year}}/month=${{month}}/day=${{day}}"
    assert requests["storage.location.template"] == template
    partitions = {key["Name"] for key in tables["requests"]["PartitionKeys"]}
    projected = {name.split(".")[1] for name in requests if name.startswith("projection.")} - {"enabled"}
    assert partitions == projected == {"year", "month", "day"}


def test_a_new_column_calls_the_resource_that_owns_silver_and_gold(dev, monkeypatch):
    from infra import lake_catalog

    before = dev.one("Custom::LakeTables")["Definition"]
    assert before == lake_catalog.definition_digest()
    monkeypatch.setattr(catalog, "glue_tables", lambda **_: [{"Name": "another"}])
    assert before != lake_catalog.definition_digest()


def test_the_stream_reaches_the_capture_function(dev):
    mapping = dev.one("AWS::Lambda::EventSourceMapping")
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BatchSize"] == 500
    assert mapping["MaximumBatchingWindowInSeconds"] == 5
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] < 100
    assert 0 < mapping["MaximumRecordAgeInSeconds"] < 24 * 3600
    (queue_id,) = dev.resources("AWS::SQS::Queue")
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == f"<{queue_id}.Arn>"
    (pattern,) = (json.loads(f["Pattern"]) for f in mapping["FilterCriteria"]["Filters"])
    prefixes = [p["prefix"] for p in pattern["dynamodb"]["Keys"]["PK"]["S"]]
    assert prefixes == ["USER#", "TASK#", "TRASH#"]
    allowed = statements(dev, "todo-dev-capture")
    assert allowed["sqs:SendMessage"] == {f"<{queue_id}.Arn>"}
    assert allowed["dynamodb:ListStreams"] == {"*"}, "AWS knows no resource of this call"
    assert not {"sqs:GetQueueAttributes", "sqs:GetQueueUrl"} & set(allowed), "nothing asks"


def test_functions_have_the_names_and_limits_agreed(dev):
    functions = {
        f["Properties"]["FunctionName"]: f["Properties"]
        for f in dev.resources("AWS::Lambda::Function").values()
    }
    assert {"todo-cdc-processor", "todo-custom-metrics"} < set(functions)
    assert {f["Runtime"] for f in functions.values()} == {"python3.13"}
    assert functions["todo-cdc-processor"]["Handler"] == "etl.capture.handler.handler"
    assert functions["todo-custom-metrics"]["Handler"] == "etl.jobs.metrics.handler"


def test_the_metrics_function_reads_three_notes_and_asks_neither_athena_nor_glue(dev):
    allowed = statements(dev, "todo-dev-metrics")
    layer = "arn:aws:s3:::todo-dev-{0}-000000000000-us-east-1/{0}/"
    gold, silver = layer.format("gold"), layer.format("silver")
    wanted = {f"{gold}_kpis.json", f"{gold}_refused.json", f"{silver}_current.json"}
    assert allowed["s3:GetObject"] == wanted
    assert not [action for action in allowed if action.split(":")[0] in {"athena", "glue"}]


def test_every_function_has_a_log_group_that_forgets(dev):
    groups = {
        g["Properties"]["LogGroupName"]: g["Properties"]
        for g in dev.resources("AWS::Logs::LogGroup").values()
    }
    functions = [f["Properties"]["FunctionName"] for f in dev.resources("AWS::Lambda::Function").values()]
    assert {f"/aws/lambda/{name}" for name in [*functions, "todo-dev"]} <= set(groups)
    assert {group["RetentionInDays"] for group in groups.values()} == {30}


def machine(assembly):
    return json.loads(assembly.one("AWS::StepFunctions::StateMachine")["DefinitionString"])


@pytest.mark.parametrize(
    ("assembly", "resources"),
    [
        ("dev", ["arn:aws:lambda:us-east-1:000000000000:function:todo-lake-runner"] * 2),
        ("prod", ["arn:aws:states:::glue:startJobRun.sync"] * 2),
    ],
)
def test_silver_runs_before_gold_on_the_chosen_engine(request, assembly, resources):
    definition = machine(request.getfixturevalue(assembly))
    states, order = definition["States"], []
    assert definition["StartAt"] == "OtherRuns"
    (name,) = {choice["Next"] for choice in states["Turn"]["Choices"]} - {"Wait", "Done"}
    while "Next" in states[name]:
        order.append(name)
        name = states[name]["Next"]
    if assembly == "prod":
        assert order.pop(0) == "Upkeep"
        assert states["Upkeep"]["Parameters"] == {"layer": "upkeep"}
        assert states["Upkeep"]["Catch"][0]["Next"] == "Silver"
    assert order == ["Silver", "Gold", "WarmCache"]
    assert [states[name]["Resource"] for name in order[:2]] == resources
    assert all(states[name]["Retry"] for name in order)
    assert "Catch" not in states["Silver"]
    assert "Catch" not in states["Gold"]
    assert states["WarmCache"]["Catch"][0]["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize(("assembly", "minutes"), [("dev", 45), ("prod", 180)])
def test_a_run_that_hangs_is_ended_and_told(request, assembly, minutes):
    """Without a time-out, the alarm about runs that took too long would have nothing to tell."""
    stage = request.getfixturevalue(assembly)
    assert machine(stage)["TimeoutSeconds"] == minutes * 60
    (metrics,) = (
        found["Properties"]["Metrics"]
        for found in stage.resources("AWS::CloudWatch::Alarm").values()
        if "lake-run-failures" in found["Properties"]["AlarmName"]
    )
    watched = {each["MetricStat"]["Metric"]["MetricName"] for each in metrics if "MetricStat" in each}
    assert watched == {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"}


def test_a_run_may_start_glue_jobs_only_where_they_are_the_engine(dev, prod):
    embedded = statements(dev, "todo-dev-lake-machine")
    glue = statements(prod, "todo-prod-lake-machine-eu")
    assert not [action for action in embedded if action.startswith("glue:")]
    verbs = {"glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"}
    assert verbs <= set(glue)


def test_the_embedded_engine_may_change_tables_and_partitions_and_no_more(dev):
    glue = {action for action in statements(dev, "todo-dev-lake") if action.startswith("glue:")}
    partitions = {
        f"glue:{verb}" for verb in ("GetPartitions", "BatchCreatePartition", "BatchUpdatePartition")
    }
    assert glue == {"glue:CreateTable", "glue:UpdateTable", *partitions}
    assert "s3:GetBucketLocation" not in statements(dev, "todo-dev-lake")
    assert "s3:GetBucketLocation" in statements(dev, "todo-dev-lake-jobs"), "Spark asks"


def test_glue_jobs_have_the_names_agreed_and_our_source(dev):
    jobs = {j["Properties"]["Name"]: j["Properties"] for j in dev.resources("AWS::Glue::Job").values()}
    assert set(jobs) == {"todo-silver-transformation", "todo-gold-analytics"}
    for job in jobs.values():
        assert job["GlueVersion"] == "5.1"
        assert job["DefaultArguments"]["--extra-py-files"].endswith(".zip")
        assert job["DefaultArguments"]["--BRONZE_BUCKET"] == BRONZE_BUCKET
        assert job["SecurityConfiguration"]


def test_glue_jobs_have_the_size_of_the_stage(synthesise, tmp_path):
    (tmp_path / "prod.toml").write_text(
        'engine = "glue"\n[jobs]\nworker_type = "G.4X"\nworkers = 12\nminutes = 100\n'
    )
    made = synthesise(stage="prod", stage_files=str(tmp_path))
    sizes = [
        tuple(job["Properties"][name] for name in ("WorkerType", "NumberOfWorkers", "Timeout"))
        for job in made.resources("AWS::Glue::Job").values()
    ]
    assert sizes == [("G.4X", 12, 100)] * 2
    machine = made.one("AWS::StepFunctions::StateMachine")
    assert '"TimeoutSeconds":15600' in str(machine["DefinitionString"]).replace(" ", "")


def test_glue_jobs_install_the_boto3_of_the_parity_test_by_its_hash(dev):
    """And all that it needs: with hashes, pip accepts nothing that is not in the file."""
    pinned = (ROOT / "requirements" / "spark.txt").read_text()
    for job in dev.resources("AWS::Glue::Job").values():
        arguments = job["Properties"]["DefaultArguments"]
        assert arguments["--python-modules-installer-option"] == "-r"
        key = arguments["--additional-python-modules"].rsplit("/", 1)[1]
        text = (dev.folder / f"asset.{key}").read_text()
        assert set(re.findall(r"^([\w-]+)==", text, re.MULTILINE)) == {
            *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
        }
        assert all(line in pinned for line in text.splitlines())
        assert text.count("--hash=sha256:") >= 7
        readable = statements(dev, "todo-dev-lake-jobs")["s3:GetObject"]
        assert any(resource.endswith(key) for resource in readable)


def test_queries_are_bounded(dev):
    group = dev.one("AWS::Athena::WorkGroup")["WorkGroupConfiguration"]
    assert group["EnforceWorkGroupConfiguration"] is True
    assert 0 < group["BytesScannedCutoffPerQuery"] <= 10 * 1024**3
    result = group["ResultConfiguration"]
    assert result["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
    assert result["OutputLocation"] == "s3://todo-dev-gold-000000000000-us-east-1/athena-results/"


# --- MonitoringStack -----------------------------------------------------------------------------------------


def alarms(assembly):
    found = assembly.resources("AWS::CloudWatch::Alarm").values()
    return {a["Properties"]["AlarmName"].removeprefix("todo-dev-"): a["Properties"] for a in found}


@pytest.mark.parametrize(
    ("slug", "metric", "threshold", "periods"),
    [
        ("web-duration", "Duration", 5000, 2),
        ("capture-errors", "Errors", 5, 1),
        ("changes-delivery-failures", "DeliveryToS3.Success", 1, 1),
        ("silver-job-failures", "glue.driver.aggregate.numFailedTasks", 0, 1),
        ("gold-job-failures", "glue.driver.aggregate.numFailedTasks", 0, 1),
        ("capture-iterator-age", "IteratorAge", 300_000, 2),
    ],
)
def test_thresholds_are_those_agreed(dev, slug, metric, threshold, periods):
    alarm = alarms(dev)[slug]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["EvaluationPeriods"]) == (
        metric,
        threshold,
        periods,
    )


def test_every_alarm_tells_the_topic(dev):
    (topic,) = dev.resources("AWS::SNS::Topic")
    found = alarms(dev)
    assert len(found) > 20
    assert {tuple(alarm["AlarmActions"]) for alarm in found.values()} == {(f"<{topic}>",)}
    assert {tuple(alarm["OKActions"]) for alarm in found.values()} == {(f"<{topic}>",)}


def test_every_alarm_has_a_section_in_the_runbook(dev):
    sections = set(re.findall(r"^## ([\w-]+)$", (ROOT / "docs/runbooks/alarms.md").read_text(), re.MULTILINE))
    budgets = dev.resources("AWS::Budgets::Budget").values()
    names = {each["Properties"]["Budget"]["BudgetName"].removeprefix("todo-dev-") for each in budgets}
    assert sections == set(alarms(dev)) | names
    for slug, alarm in alarms(dev).items():
        assert alarm["AlarmDescription"].endswith(f"docs/runbooks/alarms.md#{slug}")


def test_alarms_may_publish_to_the_encrypted_topic(dev):
    assert dev.one("AWS::SNS::Topic", TopicName="todo-api-alerts")["KmsMasterKeyId"]
    key = dev.one("AWS::KMS::Key")
    users = json.dumps([statement["Principal"] for statement in key["KeyPolicy"]["Statement"]])
    assert "cloudwatch.amazonaws.com" in users
    assert "budgets.amazonaws.com" in users
    assert key["EnableKeyRotation"] is True


def test_the_dashboard_shows_every_subject(dev):
    body = dev.one("AWS::CloudWatch::Dashboard", DashboardName="todo-dev")["DashboardBody"]
    titles = re.findall(r'"markdown":"## (\w+)"', body)
    assert titles == ["API", "Functions", "Lake", "Delivery", "Jobs", "Table", "Business", "Cost"]


@pytest.mark.parametrize(
    ("metric", "subjects"),
    [
        ("glue.driver.aggregate.numFailedTasks", ["todo-silver-transformation", "todo-gold-analytics"]),
        ("DeliveryToS3.Success", ["todo-cdc-stream", "todo-logs-stream"]),
        ("WriteThrottleEvents", ["GSI1", "GSI5"]),
        (
            "EstimatedCharges",
            [
                *("AmazonDynamoDB", "AWSLambda", "AmazonS3", "AmazonApiGateway"),
                *("AmazonAthena", "AmazonKinesisFirehose", "AWSGlue"),
            ],
        ),
    ],
)
def test_the_dashboard_shows_each_resource(dev, metric, subjects):
    body = dev.one("AWS::CloudWatch::Dashboard", DashboardName="todo-dev")["DashboardBody"]
    shown = [entry for entry in re.findall(r'\["[^]]+\]', body) if f'"{metric}"' in entry]
    for subject in subjects:
        assert [entry for entry in shown if f'"{subject}"' in entry], subject


def test_the_dashboard_says_who_is_paged(dev, prod):
    (body,) = (
        each["Properties"]["DashboardBody"] for each in prod.resources("AWS::CloudWatch::Dashboard").values()
    )
    assert "Paged: **pager@example.com**" in body
    assert "Paged: **nobody" in dev.one("AWS::CloudWatch::Dashboard")["DashboardBody"]


def test_lines_of_every_component_go_to_the_lake(dev):
    filters = [f["Properties"] for f in dev.resources("AWS::Logs::SubscriptionFilter").values()]
    functions = {f["Properties"]["FunctionName"] for f in dev.resources("AWS::Lambda::Function").values()}
    patterns = {f["LogGroupName"]: f["FilterPattern"] for f in filters}
    assert patterns.pop("/aws/lambda/todo-dev") == catalog.REQUEST_LINES
    assert set(patterns) == {f"/aws/lambda/{name}" for name in functions} | {"/aws/apigateway/todo-dev"}
    assert set(patterns.values()) == {catalog.COMPONENT_LINES}
    assert not [
        group for group in patterns if "firehose" in group
    ]  # a line about a delivery would cause the next
    stream = "arn:aws:firehose:us-east-1:000000000000:deliverystream/todo-logs-stream"
    assert {f["DestinationArn"] for f in filters} == {stream}


def test_somebody_is_paged(prod):
    assert prod.one("AWS::SNS::Subscription")["Endpoint"] == "pager@example.com"


# --- All stacks ----------------------------------------------------------------------------------------------


def test_everything_is_tagged(dev):
    wanted = {
        "Project": "todo-with-insights",
        "Owner": "todo-team",
        "Environment": "dev",
        "CostCenter": "todo",
    }
    untagged = []
    for stack in STACKS:
        for logical_id, resource in dev.template(stack)["Resources"].items():
            for holder in ("Tags", "UserPoolTags"):
                tags = resource.get("Properties", {}).get(holder)
                if isinstance(tags, list):
                    tags = {tag["Key"]: tag["Value"] for tag in tags}
                if tags is not None and not wanted.items() <= tags.items():
                    untagged.append(logical_id)
    assert not untagged
    assert dev.one("AWS::DynamoDB::Table")["Tags"]


NAMED = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::IAM::Role": "RoleName",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
    "AWS::Glue::Job": "Name",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Athena::WorkGroup": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::CloudWatch::Alarm": "AlarmName",
}


def test_a_suffix_keeps_two_stages_apart_in_one_account(prod):
    names = [
        resource["Properties"][name]
        for kind, name in NAMED.items()
        for resource in prod.resources(kind).values()
        if name in resource["Properties"]
    ]
    assert len(names) > 40
    assert not [name for name in names if "-eu" not in name]


def test_zappa_settings_ask_only_for_outputs_that_exist(dev):
    wanted = set(re.findall(r"<(?:\w+:)?(\w+)\.(\w+)>", (ROOT / "zappa_settings.json").read_text()))
    assert wanted
    missing = {(stack, name) for stack, name in wanted if name not in dev.template(stack)["Outputs"]}
    assert not missing


def test_templates_are_complete_without_an_account(dev):
    texts = json.dumps([plain(dev.template(stack)) for stack in STACKS])
    assert "${Token[" not in texts
