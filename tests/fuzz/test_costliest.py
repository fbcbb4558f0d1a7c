"""No input costs more steps than the code allows: the costliest that were found, and a search for worse ones"""

import os
from contextlib import suppress

import pytest

from store.steps import OutOfStepsError, Steps
from tests.fuzz import costliest
from tests.fuzz.costliest import Cost, Parser
from tests.fuzz.endpoints import ADDRESSES
from tests.fuzz.parsers import PARSERS

EACH = pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
SEED = 1
# With a number of one's own, the search writes what it keeps over the files, and prints its row of the table.
INPUTS = os.environ.get("FUZZ_INPUTS")


@EACH
def test_the_costliest_inputs_stay_within_their_bounds(parser):
    inputs = costliest.kept_inputs(parser)
    assert len(inputs) == costliest.KEPT
    for text in inputs[:4]:  # the long search begins with all of them
        costliest.cost(parser, text)


def test_every_file_belongs_to_a_parser():
    assert {folder.name for folder in costliest.FILES.iterdir()} == set(PARSERS)


@pytest.mark.long
@EACH
def test_no_input_of_a_long_search_reaches_a_bound(parser):
    found = costliest.search(parser, int(INPUTS or 300), SEED, begin=costliest.kept_inputs(parser))
    if INPUTS:
        costliest.keep(parser, found)
        most = found.worst[0][0].steps
        part = most / parser.bound
        print(
            f"| `{parser.name}` | {found.inputs:,} | {most:,} | {parser.bound:,} | {part:.1%} | {found.share:.0%} |"
        )


@pytest.mark.parametrize("name", ADDRESSES)
def test_the_costliest_addresses_are_fit_for_dynamodb(name, client_for, alice):
    """The search has a table that takes everything; DynamoDB refuses keys and expressions that are too long."""
    browser = client_for(alice)
    for text in costliest.kept_inputs(PARSERS[name]):
        answer = browser.get(ADDRESSES[name](text))
        assert answer.status_code < 500, text


# --- The search itself --------------------------------------------------------------------------------------


def a_parser_of(read, bound=10**6):
    return Parser("toy", read, ["a b", "x=1"], ["bang", "="], bound)


def bangs(text):
    Steps(10**6).spend(text.count("bang"))


def test_the_search_climbs_to_what_costs_more():
    found = costliest.search(a_parser_of(bangs), 300, seed=1)
    assert found.worst[0][0].steps > 50
    assert found.share == found.worst[0][0].share
    costs = [cost.steps for cost, _text in found.worst]
    assert costs == sorted(set(costs), reverse=True)
    assert costliest.search(a_parser_of(bangs), 300, seed=1) == found


@pytest.mark.parametrize("limits", [(8,), (90, 90)], ids=["one counter", "all counters"])
def test_a_bound_that_is_reached_fails(limits):
    def read(text):
        with suppress(OutOfStepsError):
            for limit in limits:
                Steps(limit).spend(60)

    with pytest.raises(AssertionError, match="toy: 'a b'"):
        costliest.search(a_parser_of(read, bound=100), 1, seed=1)


def test_what_an_input_costs_is_what_all_counters_count():
    def read(text):
        Steps(100).spend(40)
        Steps(10).spend(5)

    assert costliest.cost(a_parser_of(read), "x") == Cost(45, 0.5)


def test_files_keep_any_text(tmp_path, monkeypatch):
    monkeypatch.setattr(costliest, "FILES", tmp_path)
    texts = ["a\r\nb\n", " \u2028\0", "é" * 3]
    parser = a_parser_of(bangs)
    for count in (3, 2):
        costliest.keep(parser, costliest.Found([(Cost(1, 0.1), text) for text in texts[:count]], 0.1, 9))
        assert costliest.kept_inputs(parser) == texts[:count]
