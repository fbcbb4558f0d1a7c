"""ApiStack: the user pool and the web function's permissions. Zappa deploys the function and its API Gateway."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from etl.lake import layout
from identity.passwords import MIN_LENGTH
from infra import buckets
from infra.capture import USE_QUEUE
from infra.data_stack import DataStack
from infra.functions import log_group
from infra.lake_catalog import query_objects, read_gold
from infra.names import LAYERS, Names
from infra.policies import acknowledge, allow, also_trust, arn, bucket_arn, service_role
from infra.settings import Settings
from localcloud import accounts

GROUPS = {
    "viewers": "Look at the admin pages",
    "managers": "See the insights",
    "admins": "See the insights and use the admin pages",
}
TABLE_CALLS = (
    "GetItem",
    "BatchGetItem",
    "Query",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "ConditionCheckItem",
)
# For the admin pages; the calls of sign-in need no permission, only the client's id.
ACCOUNT_CALLS = (
    "AdminGetUser",
    "AdminCreateUser",
    "AdminUpdateUserAttributes",
    "AdminDisableUser",
    "AdminEnableUser",
    "AdminDeleteUser",
    "AdminResetUserPassword",
    "AdminUserGlobalSignOut",
    "AdminSetUserMFAPreference",
    "AdminListGroupsForUser",
    "AdminAddUserToGroup",
    "AdminRemoveUserFromGroup",
    "ListUsers",
    "ListUsersInGroup",
    "DescribeUserPool",
)
NO_SYMBOLS_REASON = (
    "the app refuses what is easily guessed; rules about characters make passwords worse (NIST SP 800-63B)"
)
MFA_REASON = "people choose whether a todo list needs a second factor; TOTP is on offer"
PLUS_REASON = (
    "threat protection costs 0.02 USD a user and month; rate limits and lockout are in place without it"
)


class ApiStack(cdk.Stack):
    """The user pool with its client and groups, the web function's role, log group, secret and package bucket."""

    def __init__(
        self, scope: Construct, construct_id: str, settings: Settings, data: DataStack, **options: Any
    ) -> None:
        super().__init__(scope, construct_id, **options)
        self.names = Names(settings)
        self.pool = self._pool(data.removal, protect=settings.protect)
        self.client = self._client()
        for precedence, (name, description) in enumerate(GROUPS.items()):
            self.pool.add_group(
                name.title(), group_name=name, description=description, precedence=len(GROUPS) - precedence
            )
        self.secret = self._secret(
            "SecretKey",
            "secret-key",
            "Django's SECRET_KEY",
            "it signs links and cursors, and processes of one deployment must share it: a runbook rotates it",
            data.removal,
        )
        self.edge_secret = self._secret(  # so that nobody reaches the function around CloudFront
            "EdgeSecret",
            "edge-secret",
            "Sent by CloudFront; the web function knows its digest",
            "CloudFront and the function must change it together: a runbook does, with a deployment",
            data.removal,
        )
        self.packages = buckets.bucket(self, self.names, "packages", data.removal)
        self.logs = log_group(self, "WebLogs", f"/aws/lambda/{settings.web_function}")
        self.gateway_logs = log_group(self, "GatewayLogs", self.names.gateway_logs)
        self._let_gateway_log()
        self.role = self._role()
        self._outputs()

    def _pool(self, removal: cdk.RemovalPolicy, *, protect: bool) -> cognito.UserPool:
        """Create the pool with the settings of the local AWS (`localcloud.accounts`); a test compares the two."""
        pool = cognito.UserPool(
            self,
            "Users",
            user_pool_name=self.names.of("todo-users"),
            self_sign_up_enabled=True,
            sign_in_aliases=cognito.SignInAliases(username=True, email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            keep_original=cognito.KeepOriginalAttrs(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=MIN_LENGTH,
                require_lowercase=False,
                require_uppercase=False,
                require_digits=False,
                require_symbols=False,
                temp_password_validity=cdk.Duration.days(7),
            ),
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            email=self._mail(),
            user_verification=cognito.UserVerificationConfig(
                email_style=cognito.VerificationEmailStyle.CODE,
                email_subject=accounts.CODE_SUBJECT,
                email_body=accounts.CODE_MAIL,
            ),
            user_invitation=cognito.UserInvitationConfig(
                email_subject=accounts.INVITATION_SUBJECT, email_body=accounts.INVITATION_MAIL
            ),
            feature_plan=cognito.FeaturePlan.LITE,  # the default plan costs three times as much
            deletion_protection=protect,
            removal_policy=removal,
        )
        reasons = {"COG1": NO_SYMBOLS_REASON, "COG2": MFA_REASON, "COG8": PLUS_REASON}
        acknowledge(pool, {f"AwsSolutions-{rule}": reason for rule, reason in reasons.items()})
        return pool

    def _mail(self) -> cognito.UserPoolEmail | None:
        """Return where mail comes from: the sender's domain in SES, or Cognito's own sender with its 50 mails a day."""
        settings = self.names.settings
        if not settings.sender:
            return None
        return cognito.UserPoolEmail.with_ses(
            from_email=settings.sender,
            from_name="Todo",
            ses_region=settings.region,
            ses_verified_domain=settings.sender_domain,
        )

    def _client(self) -> cognito.UserPoolClient:
        return self.pool.add_client(
            "Web",
            user_pool_client_name="todo-web",
            generate_secret=False,
            disable_o_auth=True,
            auth_flows=cognito.AuthFlow(user_password=True, admin_user_password=True),
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=cdk.Duration.hours(1),
            id_token_validity=cdk.Duration.hours(1),
            refresh_token_validity=cdk.Duration.days(30),
        )

    def _secret(
        self, construct_id: str, name: str, description: str, kept: str, removal: cdk.RemovalPolicy
    ) -> secretsmanager.Secret:
        """Create a random secret; `kept` says why AWS does not rotate it."""
        secret = secretsmanager.Secret(
            self,
            construct_id,
            secret_name=self.names.of(f"todo/{self.names.settings.stage}/{name}"),
            description=description,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64, exclude_punctuation=True
            ),
            removal_policy=removal,
        )
        acknowledge(secret, {"AwsSolutions-SMG4": kept})
        return secret

    def _let_gateway_log(self) -> None:
        """Let API Gateway write logs: an account has one role for it in a region, which must have these rights."""
        name = self.names.of(f"todo-{self.names.settings.stage}-gateway-logs")
        role = service_role(self, "GatewayLogsRole", "apigateway.amazonaws.com", name)
        actions = ("CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams")
        more = ("PutLogEvents", "GetLogEvents", "FilterLogEvents")
        reason = "API Gateway checks the role for these rights on all groups, and its own logs are named by API ids"
        allow(role, [f"logs:{verb}" for verb in (*actions, *more)], ["*"], reason=reason)
        account = apigateway.CfnAccount(self, "GatewayAccount", cloud_watch_role_arn=role.role_arn)
        account.node.add_dependency(role)

    def _role(self) -> iam.Role:
        names = self.names
        role = service_role(
            self, "WebRole", "lambda.amazonaws.com", names.of(f"todo-{names.settings.stage}-web")
        )
        self._let_gateway_call(role)
        allow(role, [f"dynamodb:{call}" for call in TABLE_CALLS], [names.table_arn])
        allow(
            role, ["dynamodb:Query"], [f"{names.table_arn}/index/*"], reason="the five indexes of one table"
        )
        allow(role, ["dynamodb:DescribeTable"], [names.table_arn])
        allow(role, ["secretsmanager:GetSecretValue"], [self.secret.secret_arn])
        allow(role, [f"cognito-idp:{call}" for call in ACCOUNT_CALLS], [self.pool.user_pool_arn])
        if sender := names.settings.sender:
            identity = arn("ses", f"identity/{names.settings.sender_domain}")
            allow(
                role, ["ses:SendEmail"], [identity], conditions={"StringEquals": {"ses:FromAddress": sender}}
            )
        read_gold(
            role,
            names,
            {
                f"{layout.CACHE_PREFIX}*": ["s3:GetObject", "s3:PutObject"],
                # Files that people export: written in parts, read through links, erased with their versions.
                f"{layout.EXPORTS_PREFIX}*": [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:AbortMultipartUpload",
                    "s3:DeleteObject",
                    "s3:DeleteObjectVersion",
                ],
            },
        )
        allow(role, ["s3:ListBucketVersions"], [bucket_arn(names.bucket("gold"))])
        self._allow_pipeline_pages(role)
        self._allow_health_page(role)
        allow(
            role,
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [names.log_group_arn(self.logs_name)],
            reason="Lambda names the log streams",
        )
        return role

    def _let_gateway_call(self, role: iam.Role) -> None:
        """Let API Gateway call the function: Zappa gives it this role, and the function no policy of its own."""
        also_trust(role, "apigateway.amazonaws.com")
        function = self.names.function_arn(self.names.settings.web_function)
        reason = "aliases and versions of one function: with SnapStart, the gateway calls an alias"
        allow(role, ["lambda:InvokeFunction"], [function, f"{function}:*"], reason=reason)

    def _allow_pipeline_pages(self, role: iam.Role) -> None:
        """Allow the admin pages about the pipeline and a task's trail to read the lake, and to write job requests."""
        names, silver = self.names, layout.SILVER_PREFIX
        read, write = ["s3:GetObject"], ["s3:GetObject", "s3:PutObject"]
        # Listing Bronze shows when the last file of changes arrived; its content stays closed.
        query_objects(role, names.bucket("bronze"), {f"{layout.REQUESTS_PREFIX}*": read})
        readable = {f"{silver}{name}": read for name in ("_*.json", "quarantine/*", "task_events/*")}
        query_objects(role, names.bucket("silver"), {**readable, f"{silver}_orders/*": write})
        allow(
            role,
            ["cloudwatch:GetMetricStatistics"],
            ["*"],
            reason="metrics are not resources, and show only counts and times",
        )

    def _allow_health_page(self, role: iam.Role) -> None:
        """Allow the Health page to describe the services behind the lake, *Run now*, and the failure queue's list."""
        names = self.names
        streams = [
            arn("firehose", f"deliverystream/{name}") for name in (names.changes_stream, names.logs_stream)
        ]
        allow(role, ["firehose:DescribeDeliveryStream"], streams)
        allow(role, ["sqs:GetQueueAttributes", *USE_QUEUE], [arn("sqs", names.failure_queue)])
        allow(role, ["sns:GetTopicAttributes"], [arn("sns", names.topic)])
        machine = arn("states", f"stateMachine:{names.state_machine}")
        allow(role, ["states:DescribeStateMachine", "states:StartExecution"], [machine])
        reason = "a stream is named by the time of its creation"
        allow(role, ["dynamodb:DescribeStream"], [f"{names.table_arn}/stream/*"], reason=reason)

    @property
    def logs_name(self) -> str:
        """Name of the web function's log group."""
        return f"/aws/lambda/{self.names.settings.web_function}"

    def _outputs(self) -> None:
        """Export the values that `manage.py write_zappa_settings` writes into zappa_settings.json."""
        names = self.names
        outputs = {
            "Region": cdk.Aws.REGION,
            "TableName": names.table,
            "UserPoolId": self.pool.user_pool_id,
            "ClientId": self.client.user_pool_client_id,
            **{f"{layer.title()}Bucket": names.bucket(layer) for layer in LAYERS},
            "CaptureFunction": names.functions["capture"],
            "GlueDatabase": names.database,
            "AthenaWorkgroup": names.workgroup,
            "WebRoleArn": self.role.role_arn,
            "PackagesBucket": self.packages.bucket_name,
            "SecretKeyArn": self.secret.secret_arn,
            "GatewayLogsArn": arn("logs", f"log-group:{names.gateway_logs}"),
            "EdgeSecretArn": self.edge_secret.secret_arn,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
