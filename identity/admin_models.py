"""Admin models of people, sessions, tokens, idempotency records and the audit trail. Django stores none of them."""

import ast
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, ClassVar

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dynamo_admin.fields import Words
from dynamo_admin.model import DynamoModel
from dynamo_admin.reading import BATCH, DynamoReader, Path, Values
from identity import week
from identity.fields import PROFILE_CHANGES
from identity.items import AccessTokenItem, SessionItem, UserItem, access_token_key, user_key
from store.attributes import WrongType
from store.audit import AuditItem
from store.idempotency import IdempotencyItem
from store.model import FEED_SHARDS, METADATA, Item, Key
from store.reading import get_all
from store.text import folded

LABELS = {
    "actor_id": _("done by"),
    "actor_name": _("name of who did it"),
    "action": _("action"),
    "changes": _("changes"),
    "created_at": _("created"),
    "disabled_at": _("disabled"),
    "email": _("e-mail"),
    "expires_at": _("expires"),
    "family_name": _("family name"),
    "first_day_of_week": _("first day of the week"),
    "fingerprint": _("hash of what was asked"),
    "given_name": _("given name"),
    "headers": _("headers"),
    "id": _("id"),
    "kind": _("kind"),
    "message": _("message"),
    "name": _("name"),
    "object_id": _("id of the object"),
    "object_name": _("object"),
    "request_id": _("request"),
    "resource_pk": _("partition key of the result"),
    "resource_sk": _("sort key of the result"),
    "roles": _("roles"),
    "scope": _("scope"),
    "status_code": _("status code"),
    "subject_id": _("whose"),
    "timezone": _("time zone"),
    "updated_at": _("changed"),
    "updated_by": _("changed by"),
    "user_id": _("owner"),
    "username": _("username"),
    "version": _("version"),
}
SCOPES = {"read": _("read"), "write": _("read and write")}
KINDS = {
    "task": _("task"),
    "user": _("user"),
    "session": _("session"),
    "access_token": _("access token"),
    "idempotency": _("idempotency record"),
    "lake": _("lake"),
    "workspace": _("workspace"),
}
# What was done, as the trail says it; the first word of an entry.
ACTIONS = {
    "add": _("added"),
    "change": _("changed"),
    "delete": _("deleted"),
    "complete": _("completed"),
    "change category": _("category changed"),
    "move to trash": _("moved to the trash"),
    "restore": _("restored"),
    "undo": _("change undone"),
    "delete for good": _("deleted for good"),
    "change roles": _("roles changed"),
    "disable": _("disabled"),
    "enable": _("enabled"),
    "sign out everywhere": _("signed out everywhere"),
    "remove second factor": _("second factor removed"),
    "end session": _("ended"),
    "revoke": _("revoked"),
    "order": _("requested"),
    "discard": _("discarded"),
    "resend invitation": _("invited again"),
    "resend confirmation": _("sent another code"),
    "reset password": _("password reset"),
    "look as": _("looked as"),
    "stop looking as": _("no longer looked as"),
    "merge": _("merged"),
    "gather data": _("data gathered"),
    "download data": _("data downloaded"),
    "change settings": _("settings changed"),
    "announce": _("announcement made"),
    "withdraw announcement": _("announcement withdrawn"),
}
SHOWN_KEY = 12  # characters of a key that is a hash
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

    words = Words(LABELS)

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
    words = Words(
        LABELS,
        {"timezone": _("A name of the IANA database, such as Europe/Berlin. Blank: as the browser says.")},
        {"first_day_of_week": week.NAMES},
    )
    show = ("email", "username", "name", "given_name", "family_name", "timezone", "first_day_of_week", "disabled_at",
            "id", "created_at", "updated_at", "version", "updated_by", "request_id")  # fmt: skip
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
        return str(self.pk)[:SHOWN_KEY]


class AccessToken(Stored):
    """A personal access token, by the hash of its secret."""

    item = AccessTokenItem
    words = Words(LABELS, values={"scope": SCOPES})
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

    # The models of the objects, by kind: the first that has the object has its page. Who defines the kind adds to it.
    PAGES: ClassVar[dict[str, tuple[type[Stored], ...]]] = {}
    FLAGS: ClassVar[dict[str, int]] = {
        "add": ADDITION,
        "restore": ADDITION,
        **dict.fromkeys(
            ("delete", "move to trash", "delete for good", "end session", "revoke", "discard"), DELETION
        ),
    }
    # How people read the values of a field and its name, by kind and field; who defines the kind adds to it.
    WORDS: ClassVar[dict[tuple[str, str], Callable[[str], Any]]] = {}
    NAMES: ClassVar[dict[tuple[str, str], Any]] = {}

    item = AuditItem
    words = Words({**LABELS, "created_at": _("when")}, values={"kind": KINDS, "action": ACTIONS})
    show = ("created_at", "actor_name", "action", "kind", "object_name", "object_id", "subject_id", "changes",
            "message", "actor_id", "request_id", "id")  # fmt: skip
    reader = DynamoReader(
        item=AuditItem,
        locate=_audit_place,
        key_of=lambda values: f"{values['PK'].removeprefix('AUDIT#')}|{values['SK']}",
        paths=(
            Path("AUDIT#{kind}#{object_id}", timed=True),
            Path("OWNER#{subject_id}", "AUDIT#", index="gsi2", sort="GSI2SK", timed=True),
            *_by_age("AUDIT", "ACTOR#{actor_id}"),
        ),
    )

    class Meta(Stored.Meta):
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")

    def __str__(self) -> str:
        return f"{self.verb()}: {self.object_repr}"

    def text(self, name: str) -> str:
        """Return a stored text, blank if there is none."""
        return str(self.stored.get(name) or "")

    def verb(self) -> str:
        """Return what was done, as a participle."""
        action = self.text("action")
        return str(ACTIONS.get(action, action))

    def moment(self) -> str:
        """Return when it was done."""
        return moment_in_words(self.action_time)

    def kind_name(self) -> str:
        """Return what it was done to."""
        kind = self.text("kind")
        return str(KINDS.get(kind, kind))

    @property
    def action_time(self) -> Any:
        """The time of the action."""
        return self.created_at  # type: ignore[attr-defined]

    @property
    def user(self) -> Any:
        """The admin who did it, with the names that the history page shows."""
        return SimpleNamespace(get_username=self.text("actor_name"), get_full_name="")

    @property
    def object_repr(self) -> str:
        """The name of the object at that time."""
        name = self.text("object_name")
        kind = self.text("kind")
        if kind == "session":  # stored as the key of its item
            return name.removeprefix("SESSION#")[:SHOWN_KEY]
        if kind == "idempotency":
            return name.removeprefix("IDEMPOTENCY#").partition("#")[2]
        return str(self.NAMES.get(("lake", self.text("object_id")), name)) if kind == "lake" else name

    @property
    def _flag(self) -> int:
        return self.FLAGS.get(self.text("action"), CHANGE)

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
        """Return the URL of the entry's own page, which is there when the object no longer is."""
        return reverse("admin:tasks_auditentry_change", args=(quote(self.pk),))

    @classmethod
    def pages_of(cls, entries: Iterable["AuditEntry"]) -> dict[str, str]:
        """Return the URLs of the pages of the entries' objects, by the entries' keys, for those that are still there.

        One BatchGetItem for 100 objects.
        """
        places: dict[Key, type[Stored]] = {}
        urls: dict[str, str] = {}
        of_entry: dict[str, list[tuple[Key, str]]] = {}
        for entry in entries:
            kind, object_id = entry.text("kind"), entry.text("object_id")
            if kind == "lake":
                urls[entry.pk] = reverse("admin:pipeline")
            for model in cls.PAGES.get(kind, ()):
                if place := model.reader.locate(object_id):
                    places[place] = model
                    of_entry.setdefault(entry.pk, []).append((place, object_id))
        there = _kept(places)
        for key, found in of_entry.items():
            for place, object_id in found:
                if place in there:
                    name = f"admin:tasks_{places[place].__name__.lower()}_change"
                    urls[key] = reverse(name, args=(quote(object_id),))
                    break
        return urls

    def get_change_message(self) -> str:
        """Return the action as a sentence."""
        changed = "; ".join(f"{label}: “{before}” → “{after}”" for label, before, after in self.differences())
        verb = self.verb()
        words = verb[:1].upper() + verb[1:] + (f" — {changed}" if changed else "")
        return f"{words}. {self.text('message')}".strip()

    def differences(self) -> list[tuple[str, str, str]]:
        """Return what changed in words: the field's name, the value before and the value after."""
        kind, found = self.text("kind"), []
        for change in self.stored.get("changes") or []:
            name = str(change.get("field", ""))
            label = self.NAMES.get((kind, name), LABELS.get(name, name))
            values = (self._words(kind, name, str(change.get(side, ""))) for side in ("before", "after"))
            found.append((str(label), *values))
        return found  # type: ignore[return-value]

    def _words(self, kind: str, name: str, value: str) -> str:
        if not value:
            return ""
        words = self.WORDS.get((kind, name))
        if words:
            return str(words(value))
        if name.endswith("_at"):
            return moment_in_words(value)
        return _list_in_words(value)


AuditEntry.PAGES |= {
    "user": (User,),
    "session": (Session,),
    "access_token": (AccessToken,),
    "idempotency": (IdempotencyRecord,),
}


def _kept(places: Mapping[Key, type[Stored]]) -> set[Key]:
    """Return which of these places have an item that its model shows."""
    keys, there = list(places), set()
    for start in range(0, len(keys), BATCH):
        portion = keys[start : start + BATCH]
        try:
            found = get_all(Item, portion)
        except WrongType:  # links lead to the entries then
            continue
        for item in filter(None, found):
            with suppress(KeyError, TypeError):  # one that lacks what tells whether it is kept
                if places[item.key].reader.keep(item.attribute_values):
                    there.add(item.key)
    return there


def moment_in_words(value: datetime | str | None) -> str:
    """Return a moment to the second, in UTC, as logs have it; what is none as it is."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else ""
    except (ValueError, OverflowError):
        return str(value)


def _list_in_words(value: str) -> str:
    """Return a list as the trail has it, a literal of Python, in words."""
    try:
        found = ast.literal_eval(value) if value.startswith("[") else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # it is cut off, or somebody wrote it
        return value
    if not isinstance(found, list):
        return value
    return ", ".join(_element_in_words(element) for element in found) or gettext("none")


def _element_in_words(element: Any) -> str:
    if isinstance(element, dict) and "text" in element:
        return f"{'☑' if element.get('done') else '☐'} {element['text']}"
    return str(element)
