"""What a deployment looks at first, and what is done to a deployed stage; AWS is a fake that answers as told."""

import re
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from infra import deployment, preflight, removal, tools, web_package
from infra.settings import ROOT, Settings


def refusal(code, text=""):
    return ClientError({"Error": {"Code": code, "Message": text}}, "Any")


@pytest.fixture
def aws(monkeypatch):
    """Return a function that says what AWS answers: by service and operation, a value, or an error to raise."""
    answers, calls = {}, []

    def client(service, **_):
        def operation(name):
            def call(**arguments):
                calls.append((service, name, arguments))
                answer = answers[service, name]
                answer = answer(**arguments) if callable(answer) else answer
                if isinstance(answer, Exception):
                    raise answer
                return answer

            return call

        class Client:
            def __getattr__(self, name):
                return operation(name)

            def get_paginator(self, name):
                return SimpleNamespace(paginate=lambda **arguments: [operation(name)(**arguments)])

            def get_waiter(self, name):
                return SimpleNamespace(wait=operation(name))

        return Client()

    monkeypatch.setattr("boto3.client", client)

    def answer(service, **operations):
        answers.update({(service, name): value for name, value in operations.items()})
        return calls

    answer("sts", get_caller_identity={"Account": "000000000000"})
    answer("cloudformation", describe_stacks=refusal("ValidationError"))
    limited(answer, 1000)
    return answer


def limited(aws, functions):
    aws("lambda", get_account_settings={"AccountLimit": {"UnreservedConcurrentExecutions": functions}})


# --- Before a deployment -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 14)])
def test_another_python_than_the_functions_is_refused_at_once(monkeypatch, capsys, version):
    monkeypatch.setattr(sys, "version_info", (*version, 0))
    monkeypatch.setattr(deployment, "Deployment", None)
    assert deployment.main(["up", "dev"]) == 1
    assert "run Python 3.13" in capsys.readouterr().err


def test_the_makefile_and_the_functions_agree_on_their_python():
    assert preflight.PYTHON == web_package.PYTHON == "3.13"
    assert f"PYTHON_{preflight.PYTHON.replace('.', '_')}" in (ROOT / "infra" / "functions.py").read_text()


def git(monkeypatch, code, changed=""):
    done = SimpleNamespace(returncode=code, stdout=changed)
    monkeypatch.setattr(preflight.subprocess, "run", lambda *_, **__: done)


def test_prod_gets_only_what_a_commit_has(monkeypatch):
    git(monkeypatch, 0, " M tasks/fields.py\n?? new.py\n")
    with pytest.raises(tools.ToolError, match=r"2 files differ.*tasks/fields\.py"):
        list(preflight.checkout("prod"))
    assert "2 files differ" in "".join(preflight.checkout("dev"))
    git(monkeypatch, 0)
    assert list(preflight.checkout("prod")) == []
    git(monkeypatch, 128)
    assert "no Git checkout" in "".join(preflight.checkout("prod"))


def test_an_account_that_is_ready_is_only_named(aws):
    aws(
        "sesv2",
        get_email_identity={"VerifiedForSendingStatus": True},
        get_account={"ProductionAccessEnabled": True, "SendQuota": {"Max24HourSend": 50000.0}},
    )
    notes = preflight.check(Settings("prod", sender="todo@example.com"))
    assert notes == ["account 000000000000, region us-east-1", "SES sends 50000 mails a day at most"]


def test_a_new_accounts_concurrency_is_told(aws):
    limited(aws, 10)
    assert any("ONLY 10 FUNCTIONS" in note for note in preflight.check(Settings("dev")))
    aws("lambda", get_account_settings=refusal("AccessDeniedException"))
    assert any("cannot be read" in note for note in preflight.check(Settings("dev")))


def test_without_a_sender_cognitos_limit_is_told(aws):
    assert any("50 mails a day" in note for note in preflight.check(Settings("dev")))


@pytest.mark.parametrize("answer", [{"VerifiedForSendingStatus": False}, refusal("NotFoundException")])
def test_a_sender_whose_domain_is_not_verified_is_refused(aws, answer):
    calls = aws("sesv2", get_email_identity=answer, get_account={})
    with pytest.raises(tools.ToolError, match=r"not verified example\.com"):
        preflight.check(Settings("dev", sender="todo@example.com"))
    assert ("sesv2", "get_email_identity", {"EmailIdentity": "example.com"}) in calls


def test_the_sandbox_of_ses_is_told(aws):
    account = {
        "ProductionAccessEnabled": False,
        "SendingEnabled": False,
        "SendQuota": {"Max24HourSend": 200.0},
    }
    aws("sesv2", get_email_identity={"VerifiedForSendingStatus": True}, get_account=account)
    notes = " ".join(preflight.check(Settings("dev", sender="todo@example.com")))
    assert "SANDBOX" in notes
    assert "PAUSED" in notes
    assert "200 mails" in notes


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("UPDATE_IN_PROGRESS", "somebody else deploys"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name todo-dev-DataStack"),
        ("DELETE_FAILED", "make destroy STAGE=dev"),
    ],
)
def test_a_stack_that_cannot_be_updated_stops_the_deployment(aws, status, said):
    aws("cloudformation", describe_stacks={"Stacks": [{"StackStatus": status}]})
    with pytest.raises(tools.ToolError, match=said):
        preflight.check(Settings("dev"))


def test_another_suffix_than_the_deployed_one_is_refused(aws):
    """It would replace the table by an empty one."""
    outputs = [{"OutputKey": "TableName", "OutputValue": "todo-app-data-eu"}]
    aws(
        "cloudformation", describe_stacks={"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": outputs}]}
    )
    with pytest.raises(tools.ToolError, match="todo-app-data-eu"):
        preflight.check(Settings("dev"))
    preflight.check(Settings("dev", suffix="-eu"))


def test_nothing_is_made_of_what_would_fail(aws, monkeypatch):
    aws("cloudformation", describe_stacks={"Stacks": [{"StackStatus": "UPDATE_IN_PROGRESS"}]})
    for tool in ("run", "cdk", "zappa", "manage"):
        monkeypatch.setattr(tools, tool, lambda *_, **__: pytest.fail("it has begun"))
    with pytest.raises(tools.ToolError, match="somebody else deploys"):
        deployment.Deployment("dev", {}).up()


def test_no_credentials_are_said_to_be_missing(aws):
    aws("sts", get_caller_identity=refusal("ExpiredToken"))
    with pytest.raises(tools.ToolError, match="credentials"):
        preflight.check(Settings("dev"))


# --- Afterwards ---------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(aws, monkeypatch):
    """The stage dev, deployed."""
    outputs = [{"OutputKey": "AlarmTopicArn", "OutputValue": "arn:aws:sns:us-east-1:0:topic"}]
    outputs += [{"OutputKey": "UserPoolId", "OutputValue": "pool"}]
    outputs += [{"OutputKey": "Host", "OutputValue": "d1.cloudfront.net"}]
    outputs += [{"OutputKey": "Address", "OutputValue": "https://d1.cloudfront.net"}]
    aws("cloudformation", describe_stacks={"Stacks": [{"Outputs": outputs}]})
    aws("cloudformation", describe_stack_resource={"StackResourceDetail": {"PhysicalResourceId": "api"}})
    made = deployment.Deployment("dev", {})
    monkeypatch.setattr(made, "write_settings", lambda _: None)
    return made


@pytest.mark.parametrize(
    ("quota", "known"), [(50000.0, "50000"), (-1.0, "0"), (refusal("AccessDeniedException"), "0")]
)
def test_the_function_is_told_who_mail_comes_from_and_how_much_there_may_be(aws, monkeypatch, quota, known):
    account = {"SendQuota": {"Max24HourSend": quota}} if isinstance(quota, float) else quota
    aws("sesv2", get_account=account)
    aws("cloudformation", describe_stacks={"Stacks": [{"Outputs": []}]})
    made, calls = deployment.Deployment("dev", {}), []
    monkeypatch.setattr(made, "output", lambda *_: "pool")
    monkeypatch.setattr(tools, "manage", lambda *words, **_: calls.append(words))
    for sender, mails in (("todo@example.com", known), ("", "50")):
        monkeypatch.setattr(made, "settings", Settings("dev", sender=sender))
        made.write_settings(None)
        assert {f"MAIL_SENDER={sender}", f"MAILS_A_DAY={mails}"} <= set(calls[-1])


@pytest.mark.parametrize("origins", [(), ("https://a.example.com", "http://localhost:5173")])
def test_the_function_is_told_which_origins_may_call_even_if_none_may(aws, monkeypatch, origins):
    """Zappa keeps a variable that it is not told about: an origin that was taken away would stay allowed."""
    aws("cloudformation", describe_stacks={"Stacks": [{"Outputs": []}]})
    made, calls = deployment.Deployment("dev", {}), []
    monkeypatch.setattr(made, "settings", Settings("dev", cors_origins=origins))
    monkeypatch.setattr(made, "output", lambda *_: "pool")
    monkeypatch.setattr(tools, "manage", lambda *words, **_: calls.append(words))
    made.write_settings(None)
    ((*_, flag, value),) = calls
    assert (flag, value) == ("--set", f"CORS_ORIGINS={','.join(origins)}")


@pytest.mark.parametrize(
    ("subscriptions", "said"),
    [
        ([], "!!! NOBODY GETS THE ALARMS. Put an address into infra/stages/dev.toml"),
        (
            [("a@example.com", "PendingConfirmation")],
            "!!! NOBODY GETS THE ALARMS until a@example.com confirms",
        ),
        (
            [("a@example.com", "arn:1"), ("b@example.com", "PendingConfirmation")],
            "Alarms go to a@example.com.",
        ),
    ],
)
def test_who_is_paged_is_said(aws, stage, subscriptions, said):
    found = [{"Endpoint": address, "SubscriptionArn": arn} for address, arn in subscriptions]
    aws("sns", list_subscriptions_by_topic={"Subscriptions": found})
    assert stage.who_is_paged().startswith(said)


def test_a_deployment_ends_with_the_first_people_and_who_is_paged(monkeypatch, capsys):
    monkeypatch.setattr(preflight, "checkout", lambda _: [])
    monkeypatch.setattr(deployment.Deployment, "up", lambda _: "https://todo.example.com")
    monkeypatch.setattr(deployment.Deployment, "smoke", lambda _, *words: print(*words))
    monkeypatch.setattr(deployment.Deployment, "who_is_paged", lambda _: "!!! NOBODY")
    assert deployment.main(["up", "dev"]) == 0
    first, *between, last = capsys.readouterr().out.splitlines()
    assert first == "https://todo.example.com smoke_api"
    assert any("make_admin" in line for line in between)
    assert last == "!!! NOBODY"


@pytest.fixture
def deploying(aws, stage, monkeypatch, tmp_path):
    """The stage while its web function is deployed for the first time: what was done, and how the package lay there."""
    found = [("GatewayLogsArn", "logs"), ("EdgeSecretArn", "secret"), ("Host", "h"), ("Address", "https://h")]
    outputs = [{"OutputKey": name, "OutputValue": value} for name, value in found]
    aws("cloudformation", describe_stacks={"Stacks": [{"Outputs": outputs}]})
    aws("lambda", get_function_configuration=refusal("ResourceNotFoundException"))
    aws("secretsmanager", describe_secret={"VersionIdsToStages": {"v1": ["AWSCURRENT"]}})
    monkeypatch.setattr(stage, "package", tmp_path / "package.zip")
    monkeypatch.setattr(stage.tree, "app", tmp_path / "app")
    done, modes = [], []

    def zappa(_app, _environment, command, *_):
        done.append(f"zappa {command}")
        if command == "package":
            with zipfile.ZipFile(stage.package, "w") as archive:
                archive.writestr("module.py", "")
        modes.append(oct(stage.package.stat().st_mode & 0o777))

    monkeypatch.setattr(tools, "zappa", zappa)
    monkeypatch.setattr(tools, "cdk", lambda *words: done.append(" ".join(map(str, words[:2]))))
    aws("apigateway", update_stage=lambda **given: done.append(given["patchOperations"]))
    return SimpleNamespace(stage=stage, done=done, modes=modes)


def test_the_package_is_its_owners_only_and_does_not_stay(deploying):
    deploying.stage.web()
    assert deploying.modes == ["0o600", "0o600"], "as Zappa writes it, and as it uploads it"
    assert not deploying.stage.package.exists()


def test_a_package_that_cannot_be_uploaded_does_not_stay_either(deploying, monkeypatch):
    def fail(command, *_):
        if command != "package":
            raise tools.ToolError("no way to S3")
        deploying.stage.package.write_bytes(b"")

    monkeypatch.setattr(deploying.stage, "_zappa", fail)
    monkeypatch.setattr(deployment, "normalise", lambda _: None)
    with pytest.raises(tools.ToolError, match="no way"):
        deploying.stage.web()
    assert not deploying.stage.package.exists()


def test_the_gateway_gets_its_limits_once_zappa_has_made_it(deploying):
    deploying.stage.web()
    package, deploy, patches, edge_stack = deploying.done
    assert (package, deploy, edge_stack) == ("zappa package", "zappa deploy", "deploy EdgeStack")
    limits = {each["path"].rpartition("/")[2]: each["value"] for each in patches}
    assert (limits["rateLimit"], limits["burstLimit"], limits["destinationArn"]) == ("100", "200", "logs")


def test_the_exports_of_a_stage_survive_a_shell(aws, stage):
    variables = {"APP_URL": "https://a.example.com/dev", "ODD": "it's $HOME `x`\n"}
    aws("lambda", get_function_configuration={"Environment": {"Variables": variables}})
    script = stage.exports() + '\nprintf "%s|%s|%s" "$ODD" "$STAGE" "$AWS_DEFAULT_REGION"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == "it's $HOME `x`\n|dev|us-east-1"


def test_what_is_not_deployed_has_no_exports_and_no_earlier_code(aws, stage):
    aws("lambda", get_function_configuration=refusal("ResourceNotFoundException"))
    for ask in (stage.exports, stage.rollback):
        with pytest.raises(tools.ToolError, match="todo-dev is not deployed"):
            ask()


def published(*codes):
    """Versions with these codes, the newest last."""
    found = [{"Version": str(n), "CodeSha256": code, "LastModified": ""} for n, code in enumerate(codes, 1)]
    return found[::-1]


@pytest.mark.parametrize(
    ("codes", "running", "version", "wanted"),
    [
        ("ab", "b", "", "1"),
        ("abb", "b", "", "1"),  # deployed twice
        ("aba", "a", "", "2"),  # rolled back once already: what is older than that
        ("a", "a", "", None),
        ("", "a", "", None),
        ("abc", "c", "1", "1"),
        ("abc", "c", "9", None),
    ],
)
def test_a_rollback_goes_to_the_code_before(codes, running, version, wanted):
    found = published(*codes)
    place = deployment._wanted(found, running, version)
    assert (None if place is None else found[place]["Version"]) == wanted


def roll(aws, stage, monkeypatch, after="a"):
    """Roll back from code b to a, after which Lambda says that it has the code ``after``."""
    aws("lambda", get_function_configuration={"CodeSha256": "b"})
    versions = [{**each, "Architectures": ["arm64"]} for each in published("a", "b")]
    aws("lambda", list_versions_by_function={"Versions": versions})
    aws("lambda", get_function={"Code": {"Location": "data:,zip"}}, function_updated_v2={})
    aws("lambda", update_function_code={"CodeSha256": after, "Version": "3"})
    calls = aws("lambda", published_version_active={}, update_alias={})
    stage.rollback()
    return {name: arguments for _, name, arguments in calls}


def test_the_code_before_runs_again_on_its_own_processor(aws, stage, monkeypatch):
    calls = roll(aws, stage, monkeypatch)
    assert calls["get_function"] == {"FunctionName": "todo-dev", "Qualifier": "1"}
    assert calls["update_function_code"] == {
        "FunctionName": "todo-dev",
        "ZipFile": b"zip",
        "Architectures": ["arm64"],
        "Publish": True,
    }
    assert "update_alias" not in calls


def test_with_snapshots_the_gateways_alias_follows(aws, stage, monkeypatch):
    monkeypatch.setattr(stage, "settings", Settings("dev", snap_start=True))
    alias = {"FunctionName": "todo-dev", "Name": "snapstart", "FunctionVersion": "3"}
    assert roll(aws, stage, monkeypatch)["update_alias"] == alias


def test_a_rollback_that_did_nothing_is_noticed(aws, stage, monkeypatch):
    with pytest.raises(tools.ToolError, match="does not run"):
        roll(aws, stage, monkeypatch, after="b")


def test_the_same_files_make_the_same_package(tmp_path):
    made = []
    for name, order, year in (("a", "xy", 2001), ("b", "yx", 2002)):
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for member in order:
                archive.writestr(zipfile.ZipInfo(member, (year, 1, 1, 0, 0, 0)), member * 9)
            archive.writestr("package_info.json", f"built {year}")
        web_package.normalise(path)
        assert path.stat().st_mode & 0o777 == 0o600
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_a_failing_step_stops_a_deployment(monkeypatch, capsys):
    def fail(self):
        raise tools.ToolError("cdk deploy … ended with 1")

    monkeypatch.setattr(deployment.Deployment, "up", fail)
    assert deployment.main(["up", "dev"]) == 1
    assert "run the same command again" in capsys.readouterr().err


def test_another_stages_deployment_leaves_this_ones_files_alone():
    dev, prod = (deployment.Deployment(stage, {}) for stage in ("dev", "prod"))
    files = {each.zappa_settings for each in (dev, prod)} | {each.tree.app for each in (dev, prod)}
    assert len(files) == 4
    assert not any(each.zappa_settings.is_relative_to(each.tree.app) for each in (dev, prod))


# --- Removing -----------------------------------------------------------------------------------------------------


def stack(name, protected=False, created=0):
    return {
        "StackName": name,
        "StackStatus": "CREATE_COMPLETE",
        "EnableTerminationProtection": protected,
        "CreationTime": created,
    }


def test_a_protected_stage_is_looked_at_and_nothing_else(aws):
    calls = aws("cloudformation", describe_stacks={"Stacks": [stack("todo-prod-ApiStack", True)]})
    with pytest.raises(tools.ToolError, match=r"update-termination-protection.* todo-prod-ApiStack"):
        removal.down(Settings("prod"), erase="prod", confirmed="prod", say=print)
    assert [name for _, name, _ in calls] == ["describe_stacks"]


@pytest.mark.parametrize(
    ("erase", "confirmed"), [("", ""), ("", "prod"), ("", "yes"), ("prod", "dev"), ("1", "dev"), ("dev", "")]
)
def test_nothing_is_removed_unless_the_stage_is_named(aws, monkeypatch, erase, confirmed):
    calls = aws("cloudformation", describe_stacks={"Stacks": [stack("todo-dev-ApiStack")]})
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(tools.ToolError, match=r"[Nn]othing was removed"):
        removal.down(Settings("dev"), erase=erase, confirmed=confirmed, say=print)
    assert [name for _, name, _ in calls] == ["describe_stacks"]


def test_whoever_sits_there_is_asked(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda _: "dev\n")
    removal._confirm("dev", "", "")
    monkeypatch.setattr("builtins.input", lambda _: "prod")
    with pytest.raises(tools.ToolError):
        removal._confirm("dev", "", "")


def test_what_is_not_there_needs_no_removing(aws):
    aws("cloudformation", describe_stacks={"Stacks": [stack("todo-prod-ApiStack"), stack("todo-developer")]})
    aws("lambda", get_function_configuration=refusal("ResourceNotFoundException"))
    aws("resourcegroupstaggingapi", get_resources={"ResourceTagMappingList": []})
    said = []
    removal.down(Settings("dev"), erase="dev", confirmed="", say=said.append)
    assert said == ["there is no stage dev"]


def test_stacks_go_in_the_reverse_order_of_their_making(aws):
    made = {"todo-dev-DataStack": 1, "todo-dev": 3, "todo-dev-EtlStack": 2}
    found = [stack(name, created=when) for name, when in made.items()]
    aws("cloudformation", describe_stacks={"Stacks": found})
    names = [each["StackName"] for each in removal.find_stacks(Settings("dev"))]
    assert names == ["todo-dev", "todo-dev-EtlStack", "todo-dev-DataStack"]


@pytest.fixture
def versions(monkeypatch):
    """Make buckets empty themselves as often as asked; return how often they were."""
    emptied = []
    held = SimpleNamespace(object_versions=SimpleNamespace(delete=lambda: emptied.append(1)))
    monkeypatch.setattr("boto3.resource", lambda _: SimpleNamespace(Bucket=lambda name: held))
    monkeypatch.setattr(removal, "PAUSE_SECONDS", 0)
    return emptied


def test_a_bucket_that_is_still_filled_is_emptied_again(aws, versions):
    answers = iter([refusal("BucketNotEmpty"), refusal("BucketNotEmpty"), {}])
    aws("s3", delete_bucket=lambda **_: next(answers))
    removal.delete_bucket("todo-dev-bronze")
    assert len(versions) == 3


def test_a_bucket_is_not_emptied_for_ever(aws, versions):
    aws("s3", delete_bucket=refusal("BucketNotEmpty"))
    with pytest.raises(tools.ToolError, match="still writes"):
        removal.delete_bucket("todo-dev-bronze")
    assert len(versions) == removal.ATTEMPTS


def test_a_bucket_that_is_gone_is_removed(aws, versions):
    aws("s3", delete_bucket=refusal("NoSuchBucket"))
    removal.delete_bucket("todo-dev-bronze")


def test_everything_that_writes_is_stopped(aws):
    done = {}
    calls = aws("events", disable_rule=done)
    aws("lambda", update_event_source_mapping=refusal("ResourceNotFoundException"))
    runs = {"executions": [{"executionArn": "run"}]}
    aws("stepfunctions", list_executions=runs, stop_execution=done)
    aws("firehose", delete_delivery_stream=done)
    aws("s3", put_bucket_logging=done)
    removal.stop_writers(
        {
            "AWS::Events::Rule": ["todo-lake-schedule"],
            "AWS::Lambda::EventSourceMapping": ["mapping"],
            "AWS::StepFunctions::StateMachine": ["machine"],
            "AWS::KinesisFirehose::DeliveryStream": ["todo-cdc-stream"],
            "AWS::S3::Bucket": ["todo-dev-bronze"],
        }
    )
    assert [name for _, name, _ in calls] == [
        "disable_rule",
        "update_event_source_mapping",
        "list_executions",
        "stop_execution",
        "delete_delivery_stream",
        "put_bucket_logging",
    ]


def test_all_that_holds_data_is_erased():
    """Whatever the templates retain has its own way of going."""
    source = (ROOT / "infra" / "removal.py").read_text()
    erased = source.partition("def _erase")[2].partition("\ndef ")[0]
    assert set(re.findall(r'found\.get\("(AWS::\w+::\w+)"', erased)) == set(removal.DATA)


def test_the_list_of_what_holds_data_is_complete(prod):
    kept = {
        resource["Type"]
        for name in ("DataStack", "EtlStack", "ApiStack", "MonitoringStack")
        for resource in prod.template(name)["Resources"].values()
        if resource.get("DeletionPolicy") == "Retain"
    }
    assert kept == set(removal.DATA)


def test_mail_comes_from_the_sender(synthesise):
    pool = synthesise(stage="prod", sender="todo@example.com").one("AWS::Cognito::UserPool")
    assert pool["EmailConfiguration"] == {
        "EmailSendingAccount": "DEVELOPER",
        "From": "Todo <todo@example.com>",
        "SourceArn": "arn:aws:ses:us-east-1:000000000000:identity/example.com",
    }


def test_without_a_sender_mail_is_cognitos(dev):
    assert "EmailConfiguration" not in dev.one("AWS::Cognito::UserPool")
