"""Which names of time zones there are"""

from zoneinfo import ZoneInfo, available_timezones

import pytest

from store import time_zones


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("AMERICA/ARGENTINA/BUENOS_AIRES", "America/Argentina/Buenos_Aires"),
        (" UTC ", "UTC"),
        ("utc", "UTC"),
        ("Asia/Calcutta", "Asia/Calcutta"),
        ("US/Pacific", "US/Pacific"),
        ("Etc/GMT-14", "Etc/GMT-14"),
        ("gb-eire", "GB-Eire"),
    ],
)
def test_a_name_of_the_database_is_spelled_as_there(given, name):
    assert time_zones.checked(given) == name
    assert time_zones.named(given) == ZoneInfo(name)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "localtime",
        "posixrules",
        "Factory",
        "factory",
        "posix/Europe/Berlin",
        "right/UTC",
        "/usr/share/zoneinfo/UTC",
        "../../etc/passwd",
        "Europe",
        "Europe/Berlin\n\x00",
        "Mars/Olympus",
        "UTC+1",
        "zone.tab",
        "\ud800",
        "E" * 100_000,
        "\uff35\uff34\uff23",
    ],
)
def test_other_names_are_refused(given):
    with pytest.raises(time_zones.UnknownZone, match="IANA database, such as Europe/Berlin"):
        time_zones.checked(given)
    assert time_zones.named(given) is None


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Berlin", "Europe/Berlin"),
        ("Europe Berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("new york", "America/New_York"),
        ("posix/Asia/Tokyo", "Asia/Tokyo"),
    ],
)
def test_a_name_that_is_meant_is_suggested(given, meant):
    with pytest.raises(time_zones.UnknownZone, match=f"Did you mean {meant}\\?"):
        time_zones.checked(given)


def test_the_names_are_all_that_there_are():
    beside = {"localtime", "posixrules", "Factory"}
    assert available_timezones() - time_zones.names() <= beside
    assert not time_zones.names() & beside
    for name in time_zones.names():
        assert ZoneInfo(name).key == name == time_zones.checked(name.upper())
