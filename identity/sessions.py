"""Browser sessions as items of the table, under the hash of their key. Deleting one ends it everywhere at once.

A session ends ``SESSION_IDLE_SECONDS`` after it was used last, and ``SESSION_COOKIE_AGE`` after its person proved who
they are. To remember its use costs a write, so that is done when it would put off its end by a fair part. A person has
at most ``MOST``: the oldest end when they sign in once more.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError

from identity.items import SessionItem
from identity.items import session_key as key_of
from store.commit import Plan, commit
from store.model import AnyItem, Item, KeysAtLeast
from store.reading import get, query_all
from store.request_context import timestamp
from store.writing import ConditionFailed, put_instead, put_new, put_over, remove, write

# Characters of a session's data; DynamoDB takes 400 KB.
MAX_DATA = 300_000
MOST = 100  # of a person
MESSAGES = "_messages"  # as django.contrib.messages keeps them
USES = 24  # that are remembered in the time after which an idle session ends


class SessionStore(SessionBase):
    """Django's session engine. DynamoDB's time to live removes what has expired; until then it counts as gone."""

    def _stored(self, session_key: str | None) -> SessionItem | None:
        item = get(SessionItem, key_of(session_key)) if session_key else None
        return item if item and item.expires_at > time.time() else None

    def exists(self, session_key: str) -> bool:
        """Return whether a session with this key is stored and has not expired."""
        return self._stored(session_key) is not None

    def load(self) -> dict[str, Any]:
        """Return the stored session's data, or ``{}`` after forgetting a key that leads to nothing."""
        item = self._stored(self.session_key)
        if item is None:
            self._session_key = None
            return {}
        data = data_of(item)
        if abs(self._ends_at(data) - item.expires_at) > settings.SESSION_IDLE_SECONDS / USES:
            self.modified = True
        return data

    def create(self) -> None:
        """Store a new session under a fresh key."""
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Store the session.

        Raises CreateError if the key is taken, UpdateError if the session was ended meanwhile: a late request must not
        bring back what a sign-out has deleted.
        """
        if self.session_key is None:
            self.create()
            return
        item = self._item(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        try:
            write([put_new(item) if must_create else put_over(item)])
        except ConditionFailed as failure:
            raise (CreateError if must_create else UpdateError) from failure

    def _item(self, data: dict[str, Any]) -> SessionItem:
        pk, sk = key_of(str(self.session_key))
        person = data.get("person", {})
        encoded = self.encode(data)
        if (
            len(encoded) > MAX_DATA
        ):  # nobody has looked at a page for long: what they were to be told is dropped
            encoded = self.encode({name: data[name] for name in data.keys() - {MESSAGES}})
        item = SessionItem(
            PK=pk,
            SK=sk,
            data=encoded,
            user_id=person.get("id"),
            created_at=timestamp(datetime.fromtimestamp(_begun_at(data), UTC)),
            expires_at=self._ends_at(data),
        )
        return item.changed(**item.index_keys())

    def _ends_at(self, data: dict[str, Any]) -> int:
        """Return when a session ends that is used now (epoch seconds)."""
        age = data.get("_session_expiry", settings.SESSION_COOKIE_AGE)
        return int(min(_begun_at(data) + age, time.time() + settings.SESSION_IDLE_SECONDS))

    def delete(self, session_key: str | None = None) -> None:
        """End the session (this one unless another key is given)."""
        session_key = session_key or self.session_key
        if session_key:
            remove(key_of(session_key))


def _begun_at(data: dict[str, Any]) -> float:
    return float(data.get("person", {}).get("issued_at") or time.time())


def data_of(item: SessionItem) -> dict[str, Any]:
    """Return a stored session's data."""
    return dict(SessionStore().decode(item.data))


def of_person(user_id: str) -> Iterator[SessionItem]:
    """Return the stored sessions of a person, expired ones included, the newest first. One Query a page."""
    return _stored(SessionItem, user_id)


def owned_by(user_id: str) -> Iterator[Item]:
    """Return the same with those that cannot be read. One Query a page."""
    return _stored(KeysAtLeast, user_id)


def _stored(model: type[AnyItem], user_id: str) -> Iterator[AnyItem]:
    sessions = Item.GSI1SK.startswith("SESSION#")
    return query_all(model, f"USER#{user_id}", sessions, index="GSI1", forward=False)


def living(user_id: str) -> Iterator[SessionItem]:
    """Return the sessions of a person that have not expired, the newest first. One Query a page."""
    return (item for item in of_person(user_id) if item.expires_at > time.time())


def end_oldest(user_id: str) -> None:
    """End the sessions of a person beyond the newest ``MOST``. One Query a page.

    To be called once a new session is stored: of several sign-ins at once, the last one sees the sessions of all.
    """
    for item in islice(living(user_id), MOST, None):
        remove(item.key)


def revise(user_id: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change the data of every session of a person: ``change`` returns them as they are to be.

    One Query a page and a write for each session that is changed. What else a session learns meanwhile stays.
    """

    def plan(item: SessionItem | None) -> Plan[None]:
        if item is None:
            return Plan(None)
        old, new = data_of(item), change(data_of(item))
        changed = item.changed(data=SessionStore().encode(new))
        return Plan(None, [put_instead(changed, item, "data")] if new != old else [])

    for found in list(of_person(user_id)):
        commit(None, plan, keys=[found.key], known=[found])


def end_all(user_id: str) -> int:
    """End every session of a person, also those that cannot be read, and return how many there were."""
    ended = list(owned_by(user_id))
    for item in ended:
        remove(item.key)
    return len(ended)
