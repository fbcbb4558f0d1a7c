"""Numbered places for what a person may have so many of: a place is taken in the transaction that makes the thing.

Many can read a count and each find room, and a stored count can drift. A place is an item of its own, so no two ever
take the same one; it is given up in the transaction that ends the thing, and expires when the thing does.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import SystemRandom
from typing import TypeVar

from store.attributes import Text, Whole
from store.model import Item, Key, KeysAtLeast
from store.reading import query_all
from store.writing import Action, ConditionFailed, delete_unless_held, put_over_expired

Made = TypeVar("Made")
_random = SystemRandom()


class PlaceItem(Item):
    """A place that is taken by the thing ``holder`` until ``expires_at`` (epoch seconds)."""

    ENTITY_TYPE = "PLACE"

    user_id = Text()
    holder = Text()
    expires_at = Whole()


def place_key(user_id: str, kind: str, number: int) -> Key:
    """Return PK and SK of place ``number`` of a person's things of one ``kind``."""
    return f"PLACES#{user_id}", f"{kind}#{number:03}"


def of_person(user_id: str) -> Iterator[Item]:
    """Return the places that a person has taken. One Query a page."""
    return query_all(KeysAtLeast, place_key(user_id, "", 0)[0])


def free(most: int, taken: Sequence[int | None]) -> set[int]:
    """Return the places that are free as far as the caller knows, of ``most``.

    ``taken`` are those of the things there are; for one from before there were places (None) a place is left out.
    """
    if len(taken) >= most:
        return set()
    return set(range(most - taken.count(None))) - {*taken}


def take(
    place: PlaceItem, open_places: Iterable[int], now: int, make: Callable[[int, Action], Made]
) -> Made | None:
    """Make something in a free place and return it; None if all places are taken. One request for each try.

    Parameters
    ----------
    place
        What the place says, with the kind of thing as SK.
    open_places
        Numbers of the places that are free as far as the caller knows. Those that are not are tried once.
    now
        A place that has expired by then (epoch seconds) is free.
    make
        Writes the thing in a place: gets its number and the action that takes it, which must come first. May raise
        ConditionFailed.
    """
    numbers = list(open_places)
    _random.shuffle(numbers)
    for number in numbers:
        pk, sk = place_key(place.user_id, place.SK, number)
        try:
            return make(number, put_over_expired(place.changed(PK=pk, SK=sk), now))
        except ConditionFailed as failure:
            if not failure.failed[0]:
                raise
    return None


def give_up(user_id: str, kind: str, number: int, holder: str) -> Action:
    """Return the action that frees a place, unless it is another thing's by now."""
    pk, sk = place_key(user_id, kind, number)
    return delete_unless_held(PlaceItem(PK=pk, SK=sk, holder=holder), "holder")
