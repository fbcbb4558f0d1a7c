"""Lists whose pages end early because an answer can hold only so much: nothing is lost or doubled"""

import json
import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tasks import fields, services
from tests.api.client import TASKS
from tests.web.proxy import document
from web import answers

# A list's address, with what its tasks must have.
LISTS = {
    f"{TASKS}?limit=%d": {},
    f"{TASKS}?limit=%d&sort=priority": {},
    f"{TASKS}?limit=%d&sort=due": {"due_date": "2026-12-01"},
    f"{TASKS}?limit=%d&tag=home": {"tags": ["home"]},
    f"{TASKS}?limit=%d&updated_since=2020-01-01T00:00:00Z": {},
    "/api/v1/trash?limit=%d": {},
}
MAXIMAL = {
    "title": '"' * fields.TITLE_MAX,
    "description": "語" * fields.DESCRIPTION_MAX,
    "checklist": [{"text": "語" * 200} for _ in range(100)],
}


def walked(api, address, budget=None):
    """Return the ids on each page of a list; check the weight of each page."""
    found = []
    while address:
        answer = api("GET", address)
        assert answer.status_code == 200, answer.content
        assert len(document(answer)) < answers.MOST_BYTES
        page = json.loads(answer.content)
        if budget is not None and len(page) > 1:
            assert (
                sum(
                    answers.cost(json.dumps(task, ensure_ascii=False, separators=(",", ":")).encode())
                    for task in page
                )
                <= budget
            )
        found.append([task["id"] for task in page])
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.get("Link", ""))
        address = link and link[1].removeprefix("http://testserver")
    return found


@pytest.fixture
def fill(as_alice, alice, ctx):
    """Return a function that gives Alice tasks of these sizes, in every list; and the ids by list, newest first."""

    def run(sizes, shared):
        made = []
        for number, size in enumerate(sizes):
            priority = ("low", "urgent", "medium")[number % 3]
            given = {"title": "t", "priority": priority, "description": "é" * size, **shared}
            made.append(services.create_task(ctx(alice), given).task.id)
        return made

    return run


SIZES = st.lists(st.sampled_from([0, 0, 1, 40, 300, 900, 2500, 10_000]), min_size=1, max_size=8)


@pytest.mark.parametrize("address", LISTS)
@settings(
    max_examples=3, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sizes=SIZES, limit=st.sampled_from([2, 7, 100]), budget=st.sampled_from([2000, 6000, 30_000]))
def test_walking_a_list_meets_each_task_once(as_alice, alice, ctx, fill, address, sizes, limit, budget):
    before = {task_id for page in walked(as_alice, address % 100) for task_id in page}
    made = fill(sizes, LISTS[address])
    if "trash" in address:
        for task_id in made:
            services.delete_task(ctx(alice), task_id)
    whole = [task_id for page in walked(as_alice, address % 100) for task_id in page]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "BUDGET", budget)
        pages = walked(as_alice, address % limit, budget)
    assert [task_id for page in pages for task_id in page] == whole
    assert set(made) == set(whole) - before
    assert max(map(len, pages)) <= limit


def test_a_page_ends_before_it_is_too_large(as_alice, alice, ctx):
    """100 tasks as large as they may be are 9.8 MB."""
    made = [services.create_task(ctx(alice), MAXIMAL).task.id for _ in range(70)]
    pages = walked(as_alice, f"{TASKS}?limit=100")
    assert [task_id for page in pages for task_id in page] == made[::-1]
    assert len(pages) == 2
    assert len(pages[0]) > 40
