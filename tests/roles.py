"""Who a test is for AWS: a test process signs as the web function's role, as the deployed product does.

What a test does itself, such as planting and looking, the account's owner does, who may do everything. Jobs of the lake
sign as their own role, and what an operator runs signs as the owner: give the module a ``boto3`` of theirs with
``monkeypatch.setattr(module, "boto3", OWNER)``. Clients that the product keeps stay the web function's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
from botocore.credentials import Credentials

from localcloud.provision import CREDENTIALS
from localcloud.roles import credentials


class Signed:
    """Clients that sign with given keys; has boto3's ``client`` and ``resource``.

    Parameters
    ----------
    variables
        The keys as environment variables.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.keys = {name.lower(): value for name, value in variables.items()}

    def client(self, service: str, **options: Any) -> Any:
        """Return a client of AWS where the environment says it is."""
        make: Any = boto3.client  # the stubs have an overload for each service, none for a variable
        return make(service, **self.keys, **options)

    def resource(self, service: str, **options: Any) -> Any:
        """Return a resource, as `client`."""
        make: Any = boto3.resource
        return make(service, **self.keys, **options)

    @contextmanager
    def scanning(self) -> Iterator[None]:
        """Let the store's own connection sign with these keys: an operator's commands read the whole table."""
        from store.model import table

        signer = table().client._request_signer
        ours = Credentials(
            self.keys["aws_access_key_id"],
            self.keys["aws_secret_access_key"],
            self.keys["aws_session_token"],
        )
        with mock.patch.object(signer, "_credentials", ours):
            yield


OWNER = Signed({**CREDENTIALS, "AWS_SESSION_TOKEN": ""})
LAKE = Signed(credentials("lake"))
CAPTURE = Signed(credentials("capture"))
