"""Puts a synthesised assembly into the local AWS as `cdk deploy` would: assets, then stacks in order."""

import io
import json
import zipfile
from pathlib import Path

import boto3

REGION, ACCOUNT = "us-east-1", "000000000000"


class Cloud:
    """The local AWS at `endpoint_url`."""

    def __init__(self, endpoint_url: str) -> None:
        self.options = {
            "endpoint_url": endpoint_url,
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }

    def client(self, service):
        return boto3.client(service, **self.options)

    def deploy(self, folder: Path) -> dict[str, dict[str, str]]:
        """Create every stack of the assembly in `folder`; return outputs by stack name."""
        self.client("ssm").put_parameter(
            Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True
        )
        outputs = {}
        for stack, artifact in self._stacks(folder):
            self._publish(folder, stack)
            outputs[artifact["properties"]["stackName"]] = self._create(folder, artifact)
        return outputs

    def _stacks(self, folder):
        """Stacks of the assembly, each after those it depends on; without EdgeStack, which needs Zappa's gateway."""
        artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
        pending = {k: v for k, v in artifacts.items() if v["type"] == "aws:cloudformation:stack"}
        del pending["EdgeStack"]
        while pending:
            for name, artifact in list(pending.items()):
                if not set(artifact.get("dependencies", ())) & set(pending):
                    yield name, pending.pop(name)

    def _publish(self, folder, stack):
        s3 = self.client("s3")
        for asset in json.loads((folder / f"{stack}.assets.json").read_text())["files"].values():
            (destination,) = asset["destinations"].values()
            bucket, key = (_filled(destination[name]) for name in ("bucketName", "objectKey"))
            s3.create_bucket(Bucket=bucket)
            path = folder / asset["source"]["path"]
            s3.put_object(Bucket=bucket, Key=key, Body=_zipped(path) if path.is_dir() else path.read_bytes())

    def _create(self, folder, artifact):
        cloudformation, name = self.client("cloudformation"), artifact["properties"]["stackName"]
        bucket, key = _filled(artifact["properties"]["stackTemplateAssetObjectUrl"])[len("s3://") :].split(
            "/", 1
        )
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"{self.options['endpoint_url']}/{bucket}/{key}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return {entry["OutputKey"]: entry["OutputValue"] for entry in found.get("Outputs", ())}


def _filled(text):
    return text.replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)


def _zipped(folder):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return buffer.getvalue()
