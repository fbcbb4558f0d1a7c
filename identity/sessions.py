"""Browser sessions as items of the table, under the hash of their key. Deleting one ends it everywhere at once."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError

from identity.items import session_key as key_of
from store import calls
from store.context import timestamp
from store.schema import feed_keys


class SessionStore(SessionBase):
    """Django's session engine. DynamoDB's time to live removes what has expired; until then it counts as gone."""

    def _stored(self, session_key: str | None) -> dict[str, Any] | None:
        item = calls.get(key_of(session_key)) if session_key else None
        return item if item and item["expires_at"] > time.time() else None

    def exists(self, session_key: str) -> bool:
        """Return whether a session with this key is stored and has not expired."""
        return self._stored(session_key) is not None

    def load(self) -> dict[str, Any]:
        """Return the stored session's data, or ``{}`` after forgetting a key that leads to nothing."""
        item = self._stored(self.session_key)
        if item is None:
            self._session_key = None
            return {}
        return dict(self.decode(item["data"]))

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
            calls.write([calls.put_new(item) if must_create else calls.put_over(item)])
        except calls.ConditionFailed as failure:
            raise (CreateError if must_create else UpdateError) from failure

    def _item(self, data: dict[str, Any]) -> dict[str, Any]:
        pk, sk = key_of(str(self.session_key))
        person = data.get("person", {})
        created = timestamp(_signed_in_at(person))
        return {
            **(_index_keys(pk, person["id"], created) if person else {}),
            "PK": pk,
            "SK": sk,
            "entity_type": "SESSION",
            "data": self.encode(data),
            "user_id": person.get("id"),
            "created_at": created,
            "expires_at": int(time.time()) + self.get_expiry_age(),
        }

    def delete(self, session_key: str | None = None) -> None:
        """End the session (this one unless another key is given)."""
        session_key = session_key or self.session_key
        if session_key:
            calls.remove(key_of(session_key))

    @classmethod
    def clear_expired(cls) -> None:
        """Do nothing: time to live removes what has expired."""


def _signed_in_at(person: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(person.get("issued_at") or time.time(), UTC)


def _index_keys(pk: str, user_id: str, created: str) -> dict[str, str]:
    """By whose they are (GSI1), and all of them by age (GSI5); only sessions that somebody signed in to."""
    return {
        "GSI1PK": f"USER#{user_id}",
        "GSI1SK": f"SESSION#{created}#{pk}",
        **feed_keys("SESSION", pk, created),
    }


def of_person(user_id: str) -> list[dict[str, Any]]:
    """Return the stored sessions of a person, expired ones included. One Query a page."""
    found: list[dict[str, Any]] = []
    start: dict[str, str] = {}
    while True:
        items, start = calls.query(
            {":pk": f"USER#{user_id}", ":session": "SESSION#"},
            start,
            IndexName="GSI1",
            KeyConditionExpression="GSI1PK = :pk AND begins_with(GSI1SK, :session)",
        )
        found += items
        if not start:
            return found


def revise(user_id: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change the data of every session of a person: ``change`` returns them as they are to be.

    One Query a page and a write for each session that is changed. What else a session learns meanwhile stays.
    """
    codec = SessionStore()
    for found in of_person(user_id):
        item: dict[str, Any] | None = found
        while item:
            data = codec.decode(item["data"])
            if (new := change(dict(data))) == data:
                break
            item = _replaced(item, codec.encode(new))


def _replaced(item: dict[str, Any], data: str) -> dict[str, Any] | None:
    """Store other data, provided nobody else did; returns the item as it is if somebody did, None if all is done."""
    try:
        calls.write([calls.put_instead({**item, "data": data}, item, "data")])
    except calls.ConditionFailed as failure:
        return failure.blockers[0]
    return None


def end_all(user_id: str) -> int:
    """End every session of a person, and return how many there were."""
    ended = of_person(user_id)
    for item in ended:
        calls.remove((item["PK"], item["SK"]))
    return len(ended)
