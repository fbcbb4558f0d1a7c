"""Durable state of every service except DynamoDB's items and S3's objects.

Hole closed: ministack saves services only on SIGTERM, swallows what cannot be saved, and starts empty when a state
cannot be read. Here the state of a service is written (temporary file, rename) before a mutating call is answered,
a failure to save fails the call, and a failure to load stops the start. Changes without a request (stacks being
provisioned, queries running) are saved within a second, and so are metric values, log lines and message visibility.
"""

import asyncio
import hashlib
import json
import logging
import os
import sys
import types
from pathlib import Path
from typing import Any

from ministack import app as ministack_app
from ministack.core import persistence

from localcloud.aws.protocol import Handler, Response, operation
from localcloud.files import write_atomically

READS = (
    *("Get", "List", "Describe", "BatchGet", "Query", "Scan", "Search", "Lookup", "Head", "Select", "Filter"),
    "Test",
)
# Too frequent to save each time: `sweep` saves them within a second.
SWEPT = (
    "ReceiveMessage",
    "PutMetricData",
    "PutLogEvents",
    "StartQueryExecution",
    "PutRecord",
    "PutRecordBatch",
)
OWN_STORE = {"dynamodb", "dynamodb_streams"}
ALSO_TOUCHED = {
    "sns": ("sqs",),
    "eventbridge": ("sqs", "sns"),
    "cloudformation": ("*",),
    "cloudcontrol": ("*",),
    "tagging": ("*",),
}

logger = logging.getLogger("localcloud.services")


class ServiceStore:
    """Saves and restores the state files of ministack's services."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._keys = {
            module: key for key, module in ministack_app._state_map.items() if module not in OWN_STORE
        }
        self._digests: dict[str, bytes] = {}
        self._wrapped: dict[str, types.ModuleType] = {}
        self._touched = False
        # Servers that live as long as one test run need no saved state, and saving it grows with every account.
        self._saves = os.environ.get("LOCAL_AWS_SAVES") != "0"

    def load(self) -> int:
        """Restore every saved service and return their number; raise if one cannot be restored."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for path in self.directory.glob("*.tmp"):
            path.unlink()
        count = 0
        for module_name, key in self._keys.items():
            if (self.directory / f"{key}.json").exists():
                self._load(module_name, key)
                count += 1
        return count

    def _load(self, module_name: str, key: str) -> None:
        data = persistence.load_state(key)
        if data is None:
            raise RuntimeError(f"{self.directory / key}.json cannot be read")
        ministack_app._get_module(module_name).load_persisted_state(data)

    def install(self) -> None:
        """Wrap the request handler of every service module, also of those that ministack imports later."""
        get_module = ministack_app._get_module

        def get_wrapped(name: str) -> Any:
            module = get_module(name)
            if name not in self._wrapped:
                self._wrap(name, module)
            return module

        ministack_app._get_module = get_wrapped
        for name in list(ministack_app._loaded_modules):
            get_wrapped(name)

    def _wrap(self, name: str, module: Any) -> None:
        self._wrapped[name] = module
        if name not in self._keys or isinstance(module, ministack_app._ErrorModule):
            return
        if not hasattr(module, "handle_request"):  # part of another service, with its own state
            return
        handle: Handler = module.handle_request

        async def handle_and_save(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], **more: Any
        ) -> Response:
            response = await handle(method, path, headers, body, query, **more)
            action = _action(headers, body, query)
            if _mutates(method, action):
                self._touched = True
                if action not in SWEPT and not (name == "s3" and _object_key(path)):
                    self._save_with_others(name)
            return response

        module.handle_request = handle_and_save

    def _save_with_others(self, name: str) -> None:
        others = ALSO_TOUCHED.get(name, ())
        if others == ("*",):
            self.save_all()
            return
        for module_name in (name, *others):
            self.save(module_name)

    def save(self, module_name: str) -> None:
        """Write the state of a service if it changed; raise if it cannot be saved."""
        module = sys.modules.get(f"ministack.services.{module_name}")
        if not self._saves or module is None or not hasattr(module, "get_state"):
            return
        key = self._keys[module_name]
        content = _encode(key, module)
        digest = hashlib.blake2b(content, digest_size=16).digest()
        if self._digests.get(key) != digest:
            write_atomically(self.directory / f"{key}.json", content)
            self._digests[key] = digest

    def save_all(self) -> None:
        """Write the state of every loaded service that changed."""
        for module_name in self._keys:
            self.save(module_name)

    async def sweep(self) -> None:
        """Save changes without a request: once a second while requests come in, then every 30 seconds."""
        idle = 0
        while True:
            await asyncio.sleep(1)
            idle = 0 if self._touched else idle + 1
            self._touched = False
            if idle < 5 or idle % 30 == 0:
                self._sweep_once()

    def _sweep_once(self) -> None:
        for module_name in self._keys:
            try:
                self.save(module_name)
            except Exception:
                logger.exception("cannot save the state of %s", module_name)


def _encode(key: str, module: Any) -> bytes:
    for attempt in range(5):
        try:
            wrapped = {
                "__ministack_format__": persistence._state_format_version(key),
                "payload": module.get_state(),
            }
            return json.dumps(wrapped, default=persistence._json_default).encode()
        except RuntimeError:  # a worker thread changed a dictionary
            if attempt == 4:
                raise
    raise AssertionError("unreachable")


def _action(headers: dict[str, str], body: bytes, query: dict[str, Any]) -> str:
    """Return the operation's name for JSON and query protocols, "" for REST ones."""
    if named := operation(headers):
        return named
    if "Action" in query:
        return str(query["Action"][0])
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        pairs = (pair.partition("=") for pair in body.decode(errors="replace").split("&"))
        return next((value for name, _, value in pairs if name == "Action"), "")
    return ""


def _mutates(method: str, action: str) -> bool:
    return not action.startswith(READS) if action else method not in ("GET", "HEAD", "OPTIONS")


def _object_key(path: str) -> str:
    """Return the key in a path-style S3 path, "" for the bucket itself."""
    return path.lstrip("/").partition("/")[2]
