"""Somebody who signs up and in, sends messages and stores objects while others write tasks."""

from __future__ import annotations

import http.client
import http.cookiejar
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from tests.run.stack import Stack

PASSWORD = "Crash-test-1"
QUEUE, BUCKET, OVERWRITTEN = "crash-messages", "crash-objects", "folder/overwritten"
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
GONE = (OSError, http.client.HTTPException, BotoCoreError, ClientError, subprocess.SubprocessError)


class Visitor:
    """Writes to everything that keeps something, except tasks, until told to stop or until it is gone."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.accounts: list[str] = []
        self.sessions: list[urllib.request.OpenerDirector] = []
        self.messages: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.overwriting = b""
        self.refused: list[str] = []

    def begin(self) -> None:
        """Make the queue and the bucket."""
        self.stack.client("sqs").create_queue(QueueName=QUEUE)
        self.stack.client("s3").create_bucket(Bucket=BUCKET)

    def promised(self) -> int:
        """Return how many writes were acknowledged and not yet compared."""
        return sum(map(len, (self.accounts, self.sessions, self.messages, self.objects)))

    def work(self, stop: threading.Event) -> None:
        """Write without pause."""
        try:
            variables = self.stack.environment()
            clients = {service: self.stack.client(service, ONCE) for service in ("cognito-idp", "sqs", "s3")}
            queue = clients["sqs"].get_queue_url(QueueName=QUEUE)["QueueUrl"]
            while not stop.is_set():
                self._visit(variables, queue, clients)
        except urllib.error.HTTPError as answer:
            self.refused.append(f"{answer.url} was answered {answer.code}")
        except GONE:
            return

    def _visit(self, variables: dict[str, str], queue: str, clients: dict[str, Any]) -> None:
        name = f"visitor-{uuid.uuid4()}"
        user = {"UserPoolId": variables["USER_POOL_ID"], "Username": name}
        clients["cognito-idp"].admin_create_user(**user, MessageAction="SUPPRESS")
        clients["cognito-idp"].admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
        self.accounts.append(name)
        self.sessions.append(self._sign_in(name))
        clients["sqs"].send_message(QueueUrl=queue, MessageBody=name)
        self.messages.add(name)
        clients["s3"].put_object(Bucket=BUCKET, Key=f"folder/{name}/object", Body=name.encode())
        self.objects[f"folder/{name}/object"] = name.encode()
        self.overwriting = name.encode() * 20
        clients["s3"].put_object(Bucket=BUCKET, Key=OVERWRITTEN, Body=self.overwriting)
        self.objects[OVERWRITTEN] = self.overwriting

    def _sign_in(self, name: str) -> urllib.request.OpenerDirector:
        """Return a browser that is signed in."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        address = f"http://127.0.0.1:{self.stack.port}/login/"
        page = browser.open(address, timeout=60).read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, page
        form = {"csrfmiddlewaretoken": token[1], "identifier": name, "password": PASSWORD}
        browser.open(address, urllib.parse.urlencode(form).encode(), timeout=60).read()
        if not self._signed_in(browser):
            self.refused.append(f"{name} could not sign in")
        return browser

    def _signed_in(self, browser: urllib.request.OpenerDirector) -> bool:
        """Whether the site knows who is asking: others are sent to its sign-in page."""
        with browser.open(f"http://127.0.0.1:{self.stack.port}/account/", timeout=60) as page:
            return urllib.parse.urlsplit(page.url).path == "/account/"

    def compare(self) -> tuple[int, int]:
        """Return how many promises were not kept and how many were kept twice, and forget them."""
        lost = sum(not self._has_account(name) for name in self.accounts)
        lost += sum(not self._signed_in(browser) for browser in self.sessions)
        received = Counter(self._received())
        lost += len(self.messages - received.keys())
        lost += sum(self._object(key) != body for key, body in self.objects.items() if key != OVERWRITTEN)
        if OVERWRITTEN in self.objects:
            lost += self._object(OVERWRITTEN) not in {self.objects[OVERWRITTEN], self.overwriting}
        self.accounts, self.sessions, self.messages, self.objects = [], [], set(), {}
        return lost, sum(count - 1 for count in received.values())

    def _has_account(self, name: str) -> bool:
        try:
            return bool(self.stack.token(name, PASSWORD))
        except ClientError:
            return False

    def _received(self) -> list[str]:
        """Return and delete all messages in the queue."""
        sqs, bodies = self.stack.client("sqs"), []
        queue = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in found]
            for message in found:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def _object(self, key: str) -> bytes:
        s3 = self.stack.client("s3")
        try:
            return bytes(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        except ClientError:
            return b""
