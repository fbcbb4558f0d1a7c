"""docs/api.md: every snippet runs against the application and says what the guide shows"""

import doctest
import re
from pathlib import Path

import pytest

from tests.web.site import serving

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "api.md"
SNIPPET = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def token(as_alice, monkeypatch):
    """An access token in the environment, as the guide wants it."""
    made = as_alice("POST", "/api/v1/tokens", {"name": "guide", "scope": "write"}).json()
    monkeypatch.setenv("TODO_TOKEN", made["token"])


@pytest.mark.slow
def test_every_snippet_runs_and_says_what_the_guide_shows(token, settings, capsys):
    settings.RATE_LIMIT_PER_MINUTE = 6000
    text = GUIDE.read_text()
    assert {language for language, _ in SNIPPET.findall(text)} == {"python"}
    assert len(re.findall(r"^## \d+\. ", text, re.MULTILINE)) == 10
    code = "\n".join(snippet for _, snippet in SNIPPET.findall(text))
    with serving() as address:
        code = code.replace("https://todo.example.com", address)
        test = doctest.DocTestParser().get_doctest(code, {}, "docs/api.md", str(GUIDE), 0)
        outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert outcome.attempted > 40
    assert outcome.failed == 0, capsys.readouterr().out


def test_the_guide_lists_what_is_deprecated(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    deprecated = {
        f"{method.upper()} {path}"
        for path, item in paths.items()
        for method, operation in item.items()
        if operation.get("deprecated")
    }
    rows = re.findall(r"^\| (`[A-Z]+ .+?) \| 2", GUIDE.read_text(), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == deprecated
