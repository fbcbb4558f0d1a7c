"""The dashboards in German: no English word is left, and numbers and dates are written the German way."""

import re

import pytest

from insights.questions import BY_SLUG
from tests.web.conftest import Page, read

PAGES = [
    "/insights/?days=90",
    "/insights/me/?days=90",
    "/insights/tasks/?event=completed&from=2000-01-01&to=2100-01-01",
]
# Words of the dashboard's English that are no German words.
ENGLISH = re.compile(
    r"\b(the|of|and|with|from|tasks?|days?|hours?|weeks?|created|completed|open|overdue|pending|change|changes|before|"
    r"people|largest|median time|nothing|all|none|figures?|period|data)\b",
    re.IGNORECASE,
)


@pytest.fixture
def german(manager, gold_lake, settings):
    settings.INSIGHTS_PAGE_SECONDS = 60
    manager.cookies["language"] = "de"
    return manager


@pytest.mark.parametrize("url", PAGES)
def test_no_english_word_is_left(german, url):
    html = german.get(url).content.decode()
    assert '<html lang="de"' in html
    # Names that people gave, and what is the same in every language.
    quoted = (
        r'<script id="figure.*?</script>|<code>.*?</code>|<option.*?</option>|<td>.*?</td>'
        r'|<th scope="row">.*?</th>|Todo with Insights'
    )
    text = Page(re.sub(quoted, "", html, flags=re.DOTALL)).text
    assert sorted(set(ENGLISH.findall(text))) == []


def test_figures_are_drawn_in_german(german):
    html = german.get("/insights/?days=90").content.decode()
    (figure,) = re.findall(r'<script id="figure-throughput"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert '"Erledigt"' in figure
    assert '"Completed"' not in figure


def test_numbers_and_dates(german):
    page = read(german.get("/insights/?days=90"))
    assert re.search(r"\d,\d Tage", page.text)
    assert not re.search(r"\d\.\d Tage", page.text)
    assert re.search(r"\d{1,2}\. (Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez) \d{4}", page.text)


def test_every_question_has_german_words():
    from django.utils import translation

    def words():
        return {slug: (str(q.title), str(q.definition), str(q.grain)) for slug, q in BY_SLUG.items()}

    english = words()
    with translation.override("de"):
        german = words()
    assert [slug for slug in english if set(english[slug]) & set(german[slug])] == []
