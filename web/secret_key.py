"""Django's key, read from Secrets Manager when a process first needs it: no file, package or variable holds it."""

from typing import Any

from django.utils.functional import SimpleLazyObject


def stored_in(secret: str, version: str, region: str, endpoint_url: str | None) -> Any:
    """Return the key as a text that is read when it is first used, with one request.

    A process that never signs anything does not read it, and a snapshot of a process does not hold it.

    Parameters
    ----------
    secret, version
        ARN of the secret, and the id of its version: all processes of a deployment sign with the same key, also while
        it is being replaced.
    """

    def read() -> str:
        import boto3
        from botocore.config import Config

        config = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 3})
        client = boto3.client("secretsmanager", region_name=region, endpoint_url=endpoint_url, config=config)
        try:
            answer = client.get_secret_value(SecretId=secret, VersionId=version)
        finally:
            client.close()
        return str(answer["SecretString"])

    return SimpleLazyObject(read)
