"""The people of the demo workspace: names, teams, time zones, when they join and how long they stay."""

import unicodedata
from dataclasses import dataclass
from random import Random

# The accounts to sign in with; these people join first and stay.
ACCOUNTS = (
    ("person@example.com", "Robin", "Ellis", "Engineering"),
    ("manager@example.com", "Maya", "Lindqvist", "Operations"),
    ("admin@example.com", "Samuel", "Okafor", "Support"),
)
GIVEN_NAMES = (
    "Amara", "Benedikt", "Camila", "Daniyar", "Elif", "Fatima", "Giulia", "Hamza", "Ingrid", "João",
    "Keiko", "Lakshmi", "Mateusz", "Ngozi", "Oscar", "Priya", "Quentin", "Rosa", "Siddharth", "Thandiwe",
    "Usman", "Valentina", "William", "Xiulan", "Yusuf", "Zoë", "Aroha", "Bashir", "Chiara", "Dmitri",
    "Esther", "Felix", "Grace", "Hugo", "Isabela", "Jakub", "Kwame", "Leila", "Minh", "Noor",
)  # fmt: skip
FAMILY_NAMES = (
    "Nwosu", "Baumann", "Herrera", "Akhmetov", "Şahin", "Al-Sayed", "Romano", "Qureshi", "Solberg", "Ferreira",
    "Nakamura", "Iyer", "Wójcik", "Eze", "Nilsson", "Raman", "Lefèvre", "Delgado", "Menon", "Dlamini",
    "Farouk", "Moretti", "Thompson", "Zhang", "Demir", "O'Connell", "Ngata", "Haddad", "Conti", "Petrov",
    "Mensah", "Hofmann", "Kariuki", "Garnier", "Carvalho", "Novák", "Boateng", "Rahimi", "Tran", "Siddiqui",
)  # fmt: skip
TEAMS = (
    ("Engineering", 10), ("Sales", 6), ("Support", 6), ("Marketing", 5),
    ("Operations", 4), ("Design", 4), ("Finance", 3), ("Hiring", 2),
)  # fmt: skip
# Mostly similar longitudes, so that a chart by hour in UTC shows the company's working day.
TIME_ZONES = (
    ("Europe/London", 12), ("Europe/Lisbon", 7), ("Europe/Berlin", 9), ("Europe/Warsaw", 4),
    ("Africa/Lagos", 3), ("Europe/Helsinki", 2), ("America/New_York", 2), ("Asia/Kolkata", 1),
)  # fmt: skip
# (position in the history at which a group joins, people out of forty): a pilot, teams one by one, a launch.
WAVES = (
    (0.00, 6), (0.08, 3), (0.16, 4), (0.27, 3), (0.38, 4), (0.46, 3), (0.50, 5), (0.54, 4),
    (0.65, 3), (0.77, 3), (0.88, 2),
)  # fmt: skip
# How many of twenty people stay, come less and less, leave after a week or two, or pause.
STAYING = (("steady", 9), ("fading", 6), ("brief", 3), ("returning", 2))


@dataclass(frozen=True, slots=True)
class Person:
    """One member of the workspace.

    ``joins`` is the position of their first day in the history, from 0 (its start) to 1 (its end);
    ``stays`` is one of steady, fading, brief, returning; ``pace`` scales the number of tasks they create.
    """

    email: str
    username: str
    given_name: str
    family_name: str
    team: str
    timezone: str
    joins: float
    stays: str
    pace: float

    @property
    def name(self) -> str:
        """Return the full name."""
        return f"{self.given_name} {self.family_name}"


def roster(rng: Random, count: int) -> list[Person]:
    """Return ``count`` people (at least the three accounts), in the order they join.

    The same generator state and count give the same people.
    """
    others = count - len(ACCOUNTS)
    teams, zones, staying = (_deal(rng, deck, others) for deck in (TEAMS, TIME_ZONES, STAYING))
    joins = _joins(count)[len(ACCOUNTS) :]
    people = [_account(*row) for row in ACCOUNTS]
    for index, (team, zone, joined, stays) in enumerate(zip(teams, zones, joins, staying, strict=True)):
        given, family, username = _invent(index)
        pace = rng.lognormvariate(0.0, 0.4)
        email = f"{username}@example.com"
        people.append(Person(email, username, given, family, team, zone, joined, stays, pace))
    return people


def _account(email: str, given: str, family: str, team: str) -> Person:
    username = email.partition("@")[0]
    return Person(email, username, given, family, team, "Europe/London", 0.0, "steady", 1.0)


def _invent(index: int) -> tuple[str, str, str]:
    """Return given name, family name and a unique user name for person number ``index``."""
    given = GIVEN_NAMES[index % len(GIVEN_NAMES)]
    lap = index // len(GIVEN_NAMES)
    family = FAMILY_NAMES[(index + 7 * lap) % len(FAMILY_NAMES)]
    lap_again = lap // len(FAMILY_NAMES)
    suffix = str(lap_again + 1) if lap_again else ""
    return given, family, f"{_plain(given)}.{_plain(family)}{suffix}"


def _joins(count: int) -> list[float]:
    """Return the positions at which ``count`` people join, in order, in the proportions of ``WAVES``."""
    per_forty = [place for place, people in WAVES for _ in range(people)]
    return [per_forty[index * len(per_forty) // count] for index in range(count)]


def _deal(rng: Random, shares: tuple[tuple[str, int], ...], count: int) -> list[str]:
    """Return ``count`` values in the proportions of ``shares``, shuffled (random draws could miss small shares)."""
    deck = [value for value, share in shares for _ in range(share)]
    dealt = [deck[index % len(deck)] for index in range(count - count % len(deck))]
    rest = [deck[index * len(deck) // (count % len(deck))] for index in range(count % len(deck))]
    values = dealt + rest
    rng.shuffle(values)
    return values


def _plain(name: str) -> str:
    """Return the name in lower-case ASCII letters, for an e-mail address."""
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in decomposed if letter.isascii() and letter.isalpha()).lower()
