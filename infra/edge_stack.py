"""EdgeStack: CloudFront in front of the gateway that Zappa makes, and the bucket of the static files."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import buckets
from infra.edge import CHALLENGE, SUPERSEDED
from infra.names import Names
from infra.policies import acknowledge
from infra.settings import Domain, Settings

SECRET_HEADER = "X-Origin-Secret"  # noqa: S105  a name: `web.edge` reads the header
VIEWER_HEADER = "X-Viewer-Address"  # likewise
# CloudFront sends its own headers only with a policy that also sends the viewer's Host, which the gateway refuses.
VIEWER_ADDRESS = f"""function handler(event) {{
  event.request.headers["{VIEWER_HEADER.lower()}"] = {{ value: event.viewer.ip }};
  return event.request;
}}
"""
KEPT_DAYS = 30  # for pages that were opened before a deployment
SECONDS = cdk.Duration.seconds

NO_GEOGRAPHY = "people may use the site from everywhere"
NO_FIREWALL = "a web ACL costs money around the clock: a stage's settings name one where it is wanted"
NO_LOGS = (
    "gateway and function log every request; CloudFront's log would add the addresses and paths of people"
)
OWN_CERTIFICATE = (
    "CloudFront's certificate comes with its own versions of TLS; a domain in the settings has TLS 1.2"
)


class EdgeStack(cdk.Stack):
    """The distribution and the bucket of the static files; `infra.edge` gives the parameters."""

    def __init__(self, scope: Construct, construct_id: str, settings: Settings, **options: Any) -> None:
        super().__init__(scope, construct_id, **options)
        self.names = Names(settings)
        self.api = cdk.CfnParameter(
            self, "Api", description="Id of the gateway that Zappa made", allowed_pattern="[a-z0-9]+"
        )
        # With the version, because CloudFormation reads a secret again only if the reference to it has changed.
        self.proof = cdk.CfnParameter(
            self,
            "Proof",
            description="ARN of the secret that CloudFront sends, and version: arn:SecretString:::id",
        )
        self.static = self._bucket()
        self.distribution = self._distribution(settings)
        self._outputs(settings.domain)

    def _bucket(self) -> s3.Bucket:
        rule = s3.LifecycleRule(
            id="superseded", tag_filters=SUPERSEDED, expiration=cdk.Duration.days(KEPT_DAYS)
        )
        return buckets.rebuildable(self, self.names, "static", [rule])

    def _distribution(self, settings: Settings) -> cloudfront.Distribution:
        domain = settings.domain
        pages = self._behaviour(self._gateway(settings.stage), self._viewer_address())
        made = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Todo {self.names.of(settings.stage)}",
            default_behavior=cloudfront.BehaviorOptions(**pages),
            additional_behaviors={
                "/api/*": cloudfront.BehaviorOptions(**pages, response_headers_policy=self._api_headers()),
                "/static/*": self._static_behaviour(),
            },
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            web_acl_id=domain.web_acl_arn or None,
            **self._own_domain(domain),
        )
        accepted = {"AwsSolutions-CFR1": NO_GEOGRAPHY, "AwsSolutions-CFR3": NO_LOGS}
        accepted |= {} if domain.web_acl_arn else {"AwsSolutions-CFR2": NO_FIREWALL}
        accepted |= {} if domain.name else {"AwsSolutions-CFR4": OWN_CERTIFICATE}
        acknowledge(made, accepted)
        return made

    def _own_domain(self, domain: Domain) -> dict[str, Any]:
        if not domain.name:
            return {}
        certificate = acm.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn)
        return {"domain_names": [domain.name], "certificate": certificate}

    def _gateway(self, stage: str) -> origins.HttpOrigin:
        """Return the origin of pages and API; the header proves to the function that a request came through here."""
        return origins.HttpOrigin(
            f"{self.api.value_as_string}.execute-api.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}",
            origin_path=f"/{stage}",
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            read_timeout=SECONDS(30),  # the function has 29
            keepalive_timeout=SECONDS(60),
            custom_headers={SECRET_HEADER: f"{{{{resolve:secretsmanager:{self.proof.value_as_string}}}}}"},
        )

    def _viewer_address(self) -> cloudfront.Function:
        """Return what writes the viewer's address into a header, over one that the viewer sent."""
        return cloudfront.Function(
            self,
            "ViewerAddress",
            function_name=self.names.of(f"todo-{self.names.settings.stage}-viewer-address"),
            code=cloudfront.FunctionCode.from_inline(VIEWER_ADDRESS),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
        )

    @staticmethod
    def _behaviour(gateway: origins.HttpOrigin, viewer_address: cloudfront.Function) -> dict[str, Any]:
        on_request = cloudfront.FunctionAssociation(
            function=viewer_address, event_type=cloudfront.FunctionEventType.VIEWER_REQUEST
        )
        return {
            "origin": gateway,
            "function_associations": [on_request],
            "allowed_methods": cloudfront.AllowedMethods.ALLOW_ALL,
            "cache_policy": cloudfront.CachePolicy.CACHING_DISABLED,
            # The gateway takes requests for its own host only.
            "origin_request_policy": cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
            "viewer_protocol_policy": cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            "compress": False,  # the function compresses its own answers
        }

    def _api_headers(self) -> cloudfront.ResponseHeadersPolicy:
        """Return what CloudFront adds to the API's answers.

        No function at the edge could put the renamed header back: CloudFront runs none for an answer of 400 or above.
        """
        challenge = cloudfront.ResponseCustomHeader(header="WWW-Authenticate", value=CHALLENGE, override=True)
        return cloudfront.ResponseHeadersPolicy(
            self,
            "ApiHeaders",
            response_headers_policy_name=self.names.of(f"todo-{self.names.settings.stage}-api"),
            custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(custom_headers=[challenge]),
        )

    def _static_behaviour(self) -> cloudfront.BehaviorOptions:
        return cloudfront.BehaviorOptions(
            origin=origins.S3BucketOrigin.with_origin_access_control(self.static),
            allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
            cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            response_headers_policy=self._static_headers(),
            compress=True,
        )

    def _static_headers(self) -> cloudfront.ResponseHeadersPolicy:
        """Return the headers that the function gives its own answers."""
        kinds = cloudfront
        return kinds.ResponseHeadersPolicy(
            self,
            "StaticHeaders",
            response_headers_policy_name=self.names.of(f"todo-{self.names.settings.stage}-static"),
            security_headers_behavior=kinds.ResponseSecurityHeadersBehavior(
                content_type_options=kinds.ResponseHeadersContentTypeOptions(override=True),
                frame_options=kinds.ResponseHeadersFrameOptions(
                    frame_option=kinds.HeadersFrameOption.DENY, override=True
                ),
                referrer_policy=kinds.ResponseHeadersReferrerPolicy(
                    referrer_policy=kinds.HeadersReferrerPolicy.SAME_ORIGIN, override=True
                ),
                strict_transport_security=kinds.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=cdk.Duration.days(365), include_subdomains=True, override=True
                ),
            ),
        )

    def _outputs(self, domain: Domain) -> None:
        host = self.distribution.distribution_domain_name
        outputs = {
            "Host": host,
            "Address": f"https://{domain.name or host}",
            "Bucket": self.static.bucket_name,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
