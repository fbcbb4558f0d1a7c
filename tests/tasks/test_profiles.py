"""Profiles"""

from dataclasses import replace

import pytest

from identity import profiles
from identity.errors import ProfileNotFound
from identity.users import Person
from store.errors import ValidationFailed, VersionConflict
from tasks import services


@pytest.fixture(autouse=True)
def unknown():
    """A process that has not seen anybody yet."""
    profiles.known.clear()


def person(account):
    return Person(account.id, account.email, account.username, account.name)


def create(context, account, **changes):
    given = {"email": account.email, "username": account.username, "name": account.name}
    return profiles.ensure_profile(context, given | changes)[0]


def test_a_profile_is_created_with_one_put(ctx, alice, calls):
    context = ctx(alice)
    profile = create(context, alice, given_name="Alice")
    assert calls.names == ["PutItem"]
    stored = profiles.get_profile(alice.id)
    assert stored == profile
    assert (stored.PK, stored.SK, stored.entity_type) == (f"USER#{alice.id}", "METADATA", "USER")
    assert (stored.email, stored.name, stored.given_name, stored.version) == (
        alice.email,
        alice.name,
        "Alice",
        1,
    )
    assert stored.GSI5PK.startswith("FEED#USER#")


def test_the_first_one_stays(ctx, alice):
    create(ctx(alice), alice)
    assert create(ctx(alice), alice, name="Somebody else").name == alice.name


def test_update(ctx, alice, calls):
    create(ctx(alice), alice, family_name="Example")
    calls.clear()
    changed = profiles.update_profile(
        ctx(alice), {"name": "Alice B.", "family_name": None, "timezone": "Asia/Tokyo"}
    )
    assert calls.names == ["GetItem", "Query", "UpdateItem"]  # the sessions are asked for, as the zone is new
    assert (changed.name, changed.family_name, changed.timezone, changed.version) == (
        "Alice B.",
        None,
        "Asia/Tokyo",
        2,
    )
    assert profiles.get_profile(alice.id) == changed


def test_update_of_nobody(ctx, alice):
    with pytest.raises(ProfileNotFound):
        profiles.update_profile(ctx(alice), {"name": "x"})


def test_update_with_nonsense(ctx, alice):
    with pytest.raises(ValidationFailed, match="shoe_size"):
        profiles.update_profile(ctx(alice), {"shoe_size": 44})


def test_the_first_task_brings_the_profile_in_the_same_call(ctx, alice, calls):
    context = replace(ctx(alice), caller=person(alice))
    services.create_task(context, {"title": "x"})
    assert calls.names == ["TransactWriteItems"]
    assert profiles.get_profile(alice.id).email == alice.email
    calls.clear()
    services.create_task(context, {"title": "y"})
    assert calls.names == ["PutItem"]


def test_the_first_task_in_another_process_changes_nothing(ctx, alice, calls):
    before = create(ctx(alice), alice, name="As it was")
    profiles.known.clear()
    calls.clear()
    services.create_task(replace(ctx(alice), caller=person(alice)), {"title": "x"})
    assert calls.names == ["TransactWriteItems"]
    assert profiles.get_profile(alice.id) == before


def test_forgets_whom_it_has_not_seen_for_long():
    for number in range(profiles.KNOWN_PEOPLE + 5):
        profiles.known.put(str(number), None)
    assert "0" not in profiles.known
    assert str(profiles.KNOWN_PEOPLE) in profiles.known


def test_a_profile_that_was_created_meanwhile_is_changed(ctx, alice, calls):
    create(ctx(alice), alice)
    calls.clear()
    saved = profiles.save_profile(ctx(alice), {"name": "Alice B."}, initial={}, read=[None])
    assert calls.names == ["PutItem", "UpdateItem"]
    assert (saved.created, saved.profile.name, saved.profile.version) == (False, "Alice B.", 2)
    assert profiles.get_profile(alice.id) == saved.profile


def test_a_profile_that_was_changed_meanwhile_is_not_overwritten(ctx, alice, calls):
    before = create(ctx(alice), alice)
    changed = profiles.update_profile(ctx(alice), {"name": "Alice B."})
    calls.clear()
    with pytest.raises(VersionConflict):
        profiles.save_profile(ctx(alice), {"name": "x"}, read=[before], if_version={before.version})
    assert calls.names == ["UpdateItem"]
    assert profiles.get_profile(alice.id) == changed
