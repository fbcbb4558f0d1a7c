"""Admin models of people, sessions, tokens, idempotency records and the audit trail. Django stores none of them."""

import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from dynamo_admin.model import DynamoModel
from dynamo_admin.reading import DynamoReader, Path, Values
from identity.fields import PROFILE_CHANGES
from identity.items import AccessTokenItem, SessionItem, UserItem, access_token_key, user_key
from store.audit import AuditItem
from store.idempotency import IdempotencyItem
from store.model import FEED_SHARDS, METADATA
from store.text import folded

_HASH = re.compile(r"[0-9a-f]{64}")


def feed(entity: str) -> Path:
    """Return the access path to all items of one type, by age."""
    return Path(f"FEED#{entity}#{{shard}}", index="gsi5", sort="GSI5SK", shards=FEED_SHARDS, timed=True)


def _unexpired(values: Values) -> bool:
    return bool(values["expires_at"] > time.time())


def _by_age(entity: str, owner: str) -> tuple[Path, Path]:
    """Return the access paths to one owner's items of one type, and to all of them."""
    return Path(owner, f"{entity}#", index="gsi1", sort="GSI1SK", timed=True), feed(entity)


class Stored(DynamoModel):
    """Base of the models. Their app label is part of URLs and permissions."""

    @staticmethod
    def folded(text: str) -> str:
        """Return a text as it is compared everywhere."""
        return folded(text)

    class Meta:
        abstract = True
        app_label = "tasks"
        ordering = ["-created_at"]

    def as_item(self) -> Any:
        """Return the item that was read, as services take it."""
        return self.item and self.item(**self.stored)


class User(Stored):
    """A profile and its account in Cognito."""

    item = UserItem
    schema = PROFILE_CHANGES.json_schema()
    show = ("email", "username", "name", "given_name", "family_name", "timezone", "disabled_at", "id",
            "created_at", "updated_at", "version", "updated_by", "request_id")  # fmt: skip
    reader = DynamoReader(
        item=UserItem, locate=user_key, key_of=lambda values: str(values["id"]), paths=(feed("USER"),)
    )

    class Meta(Stored.Meta):
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return str(getattr(self, "email", "") or getattr(self, "name", ""))


class IdempotencyRecord(Stored):
    """The stored reply to a request with an Idempotency-Key, without its body.

    Bodies hold what people wrote, and for access tokens and feeds the part of the secret that is kept.
    """

    item = IdempotencyItem
    show = ("status_code", "headers", "fingerprint", "resource_pk", "resource_sk", "request_id",
            "created_at", "expires_at")  # fmt: skip
    reader = DynamoReader(
        item=IdempotencyItem,
        locate=lambda key: (f"IDEMPOTENCY#{key}", METADATA),
        key_of=lambda values: str(values["PK"].removeprefix("IDEMPOTENCY#")),
        keep=_unexpired,
        paths=(feed("IDEMPOTENCY"),),
    )

    class Meta(Stored.Meta):
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")

    def __str__(self) -> str:
        return str(self.pk).partition("#")[2]

    @property
    def user_id(self) -> str:
        """The owner of the key."""
        return str(self.pk).partition("#")[0]


def _session_place(key: str) -> tuple[str, str] | None:
    return (f"SESSION#{key}", METADATA) if _HASH.fullmatch(key) else None


class Session(Stored):
    """A browser session of a signed-in person, by the hash of its cookie."""

    item = SessionItem
    show = ("user_id", "created_at", "expires_at")
    reader = DynamoReader(
        item=SessionItem,
        locate=_session_place,
        key_of=lambda values: str(values["PK"].removeprefix("SESSION#")),
        keep=_unexpired,
        paths=_by_age("SESSION", "USER#{user_id}"),
    )

    class Meta(Stored.Meta):
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return str(self.pk)[:12]


class AccessToken(Stored):
    """A personal access token, by the hash of its secret."""

    item = AccessTokenItem
    show = ("name", "scope", "user_id", "created_at", "expires_at", "id", "request_id")
    reader = DynamoReader(
        item=AccessTokenItem,
        locate=lambda key: access_token_key(key) if _HASH.fullmatch(key) else None,
        key_of=lambda values: str(values["id"]),
        keep=_unexpired,
        paths=_by_age("TOKEN", "TOKENS#{user_id}"),
    )

    class Meta(Stored.Meta):
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")

    def __str__(self) -> str:
        return str(getattr(self, "name", ""))


def _audit_place(key: str) -> tuple[str, str] | None:
    pk, _, number = key.rpartition("|")
    return (f"AUDIT#{pk}", number) if pk else None


class AuditEntry(Stored):
    """An action of an admin, with the interface of Django's LogEntry."""

    MODELS: ClassVar[dict[str, str]] = {
        "task": "task",
        "user": "user",
        "session": "session",
        "access_token": "accesstoken",
        "idempotency": "idempotencyrecord",
    }
    FLAGS: ClassVar[dict[str, int]] = {"add": ADDITION, "delete": DELETION, "move to trash": DELETION}
    # How people read the values of a field, by kind and field; who defines the kind adds to it.
    WORDS: ClassVar[dict[tuple[str, str], Callable[[str], str]]] = {}

    item = AuditItem
    show = ("created_at", "actor_name", "action", "kind", "object_name", "object_id", "subject_id", "changes",
            "message", "actor_id", "request_id", "id")  # fmt: skip
    reader = DynamoReader(
        item=AuditItem,
        locate=_audit_place,
        key_of=lambda values: f"{values['PK'].removeprefix('AUDIT#')}|{values['SK']}",
        paths=(Path("AUDIT#{kind}#{object_id}", timed=True), *_by_age("AUDIT", "ACTOR#{actor_id}")),
    )

    class Meta(Stored.Meta):
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")

    def __str__(self) -> str:
        return f"{self.stored['action']} {self.stored['object_name']}"

    @property
    def action_time(self) -> Any:
        """The time of the action."""
        return self.load("created_at", self.stored["created_at"])

    @property
    def user(self) -> Any:
        """The admin who did it, with the names that the history page shows."""
        return SimpleNamespace(get_username=self.stored["actor_name"], get_full_name="")

    @property
    def object_repr(self) -> str:
        """The name of the object at that time."""
        return str(self.stored["object_name"])

    @property
    def content_type(self) -> ContentType:
        """The kind of object."""
        return ContentType(app_label="tasks", model=self.MODELS.get(self.stored["kind"], "auditentry"))

    @property
    def _flag(self) -> int:
        return self.FLAGS.get(self.stored["action"], CHANGE)

    def is_addition(self) -> bool:
        """Whether an object was added."""
        return self._flag == ADDITION

    def is_change(self) -> bool:
        """Whether an object was changed."""
        return self._flag == CHANGE

    def is_deletion(self) -> bool:
        """Whether an object was deleted."""
        return self._flag == DELETION

    def get_admin_url(self) -> str:
        """The URL of the object's page, blank if it has none."""
        model = self.MODELS.get(self.stored["kind"])
        if model is None or self.is_deletion():
            return ""
        return reverse(f"admin:tasks_{model}_change", args=(self.stored["object_id"],))

    def get_change_message(self) -> str:
        """The action as a sentence."""
        changed = self.changed_fields()
        words = f"{self.stored['action'].capitalize()}" + (f" — {changed}" if changed else "")
        return f"{words}. {self.stored.get('message') or ''} Request {self.stored['request_id']}."

    def changed_fields(self) -> str:
        """What changed, field by field, in words."""
        changed = self.stored.get("changes") or []
        return "; ".join(
            f"{c['field']}: “{self._words(c['field'], c['before'])}” → “{self._words(c['field'], c['after'])}”"
            for c in changed
        )

    def _words(self, field: str, value: str) -> str:
        words = self.WORDS.get((self.stored["kind"], field))
        return words(value) if words and value else value
