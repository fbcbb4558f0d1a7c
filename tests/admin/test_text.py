"""Text in the admin: stored in one form and found in every spelling, as everywhere"""

import unicodedata
from urllib.parse import urlencode

import pytest
import regex

from tasks import selectors
from tests.admin.test_tasks import LIST, change, key, titles
from tests.old_tasks import plant

CAFE, DECOMPOSED = "Caf\u00e9", "Cafe\u0301"
UNFIT = regex.compile(
    r"[\p{Cc}--[\t\n\r]]|[\u202a-\u202e\u2066-\u2069\ufeff]|\p{Noncharacter_Code_Point}", regex.V1
)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_spelling_is_found(root, add, alice, form):
    add("one", category=CAFE)
    add("two", category="CAF\u00c9")
    plant(alice, 1000, title=f"{DECOMPOSED} three", category=DECOMPOSED)
    add("other", category="Cafe")
    asked = unicodedata.normalize(form, "caf\u00e9")
    for query in ({"category__exact": asked}, {"q": asked}):
        page = root.page(f"{LIST}?{urlencode(query | {'user_id__exact': alice.id})}")
        assert sorted(titles(page)) == [f"{DECOMPOSED} three", "one", "two"]


def test_forms_store_text_as_the_api_does(root, add, alice):
    task = add("Pay rent")
    fields = {
        "title": f"{DECOMPOSED}\u202e",
        "category": f"\u2066{DECOMPOSED}",
        "tags": f"{DECOMPOSED}\n{CAFE}\n",
    }
    changed = root.save(change(task), **fields)
    assert changed.status_code == 302
    stored = selectors.get_task(alice.id, task.id)
    assert (stored.title, stored.category, stored.tags) == (CAFE, CAFE, [CAFE])
    root.act(LIST, "change_category", key(task), apply="1", category=f"{DECOMPOSED} 2")
    assert selectors.get_task(alice.id, task.id).category == f"{CAFE} 2"


def test_a_refused_form_says_why_and_repeats_no_such_text(root, add):
    answer = root.save(change(add("Pay rent")), title="a\x9bb\u202e")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Must be one line without control characters." in page
    assert not UNFIT.search(page)


@pytest.mark.parametrize("name", ["q", "category__exact", "user_id__exact"])
def test_no_list_repeats_it(root, name):
    query = {"user_id__exact": "x", name: "a\u202eb\x9b\ufdd0"}
    assert not UNFIT.search(root.page(f"{LIST}?{urlencode(query)}"))
