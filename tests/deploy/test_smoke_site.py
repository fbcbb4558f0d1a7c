"""``smoke_site`` against a site served from here: it passes when every page works, else it says which does not."""

import io

import pytest
from django.conf import settings as site_settings
from django.core.management import CommandError, call_command

from tests.deploy.test_smoke import operator, site, usernames  # noqa: F401
from tests.insights.conftest import gold_lake, lake, workspace, written  # noqa: F401
from tests.roles import OWNER
from todo_site.smoke.browser import Browser
from todo_site.smoke.people import SmokePerson
from todo_site.smoke.walks import sign_in


def smoke(url):
    out = io.StringIO()
    call_command("smoke_site", url=url, stdout=out)
    return out.getvalue()


def exported():
    """Return the keys of all exported files."""
    found = OWNER.client("s3").list_objects_v2(
        Bucket=site_settings.EXPORTS_BUCKET, Prefix=site_settings.EXPORTS_PREFIX
    )
    return {each["Key"] for each in found.get("Contents", ())}


def test_where_the_admin_wants_a_second_factor_one_is_set_up(site, settings, make_account):  # noqa: F811
    settings.ADMIN_SECOND_FACTOR = True
    root = make_account("Root", groups=("admins",))
    index = sign_in(Browser(site), SmokePerson(root.id, root.username, root.password, ""), "/admin/")
    assert "Overview" in index.text


def test_a_good_site_passes_and_nobody_is_left(site, gold_lake):  # noqa: F811
    before, files = usernames(), exported()
    said = smoke(site)
    for seen in ("2 sign-in pages", "cards", "drill-downs", "pages of the admin"):
        assert seen in said, said
    assert usernames() == before
    assert exported() == files


def test_an_exported_file_that_cannot_be_fetched_is_named(site, gold_lake, monkeypatch):  # noqa: F811
    monkeypatch.setattr("tasks.transfer.export_files.put", lambda *_: None)
    with pytest.raises(CommandError, match="exports/"):
        smoke(site)


def test_a_site_without_figures_is_told_to_make_some(site, lake):  # noqa: F811
    lake.remove_pointer()  # another file's tests may have left one
    with pytest.raises(CommandError, match="/insights/ has no cards: run the lake first"):
        smoke(site)


def test_a_question_that_fails_is_named(site, gold_lake, monkeypatch):  # noqa: F811
    from web import athena

    def refused(*_, **__):
        raise athena.AthenaError("denied")

    monkeypatch.setattr("insights.answers.athena.run", refused, raising=False)
    with pytest.raises(CommandError, match=r"GET \S+/insights/\S* answered 503, not 200; request \w+"):
        smoke(site)
