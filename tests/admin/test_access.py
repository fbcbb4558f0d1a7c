"""Who may enter, and what for."""

import re

import pytest
from django.test import Client

from identity import profiles
from tasks import selectors
from tests.conftest import PASSWORD
from tests.web.conftest import read
from tests.web.totp import totp

PAGES = (
    *("", "tasks/task/", "tasks/user/", "tasks/auditentry/", "pipeline/", "health/"),
    *("workspace/", "announcements/", "tasks/user/invite/"),
)


def test_an_admin_sees_every_model(root):
    page = root.page("")
    for name in (
        "Users",
        "Tasks",
        "Idempotency records",
        "Sessions",
        "Access tokens",
        "Quarantined events",
        "Audit trail",
    ):
        assert name in page


@pytest.mark.parametrize("path", PAGES)
def test_strangers_sign_in_first(path):
    answer = Client().get(f"/admin/{path}", follow=True)
    assert answer.redirect_chain[-1][0] == f"/login/?next=%2Fadmin%2F{path.replace('/', '%2F')}"


def test_after_signing_in_people_are_where_they_wanted_to_be(make_account):
    account = make_account("Root", groups=("admins",))
    answer = Client().post(
        "/login/",
        {"identifier": account.email, "password": account.password, "next": "/admin/tasks/task/"},
    )
    assert answer["Location"] == "/admin/tasks/task/"


@pytest.mark.parametrize("path", PAGES)
def test_a_person_without_a_role_is_told_why(path, client_for, alice):
    answer = client_for(alice).get(f"/admin/{path}")
    assert answer.status_code == 403
    assert "groups admins and viewers" in answer.content.decode()


def test_a_manager_is_no_admin(client_for, charlie):
    assert client_for(charlie).get("/admin/").status_code == 403


def test_a_bearer_token_opens_no_admin(api, root):
    assert api(root.account).get("/admin/").status_code == 302


def test_viewers_see_and_touch_nothing(viewer, add, alice):
    task = add("Pay rent")
    key = f"{alice.id}.{task.id}"
    assert "Pay rent" in viewer.page(f"tasks/task/?user_id__exact={alice.id}")
    page = viewer.page(f"tasks/task/{key}/change/")
    assert "View task" in page
    assert 'name="_save"' not in page
    assert viewer.get("tasks/task/add/").status_code == 403
    assert viewer.send(f"tasks/task/{key}/change/", {"title": "Mine"}).status_code == 403
    assert viewer.send(f"tasks/task/{key}/delete/", {"post": "yes"}).status_code == 403
    for action in ("complete", "move_to_trash", "change_category"):
        viewer.act("tasks/task/", action, key, apply="1", category="x")
    assert selectors.get_task(alice.id, task.id).version == 1


def lists():
    """Every list of the admin: its address, and whether anybody may add to it."""
    from todo_site.operations.site import site

    return [
        (f"{model._meta.app_label}/{model._meta.model_name}/", model._meta.model_name in {"task", "user"})
        for model in site._registry
    ]


def test_every_list_is_for_admins_and_viewers_only(root, viewer, alice, admin_of):
    person = admin_of(alice)
    assert len(lists()) == 8
    for path, addable in lists():
        assert 'name="action"' not in viewer.page(path), path
        assert root.get(f"{path}add/").status_code == (200 if addable else 403), path
        assert viewer.get(f"{path}add/").status_code == 403, path
        assert viewer.get(f"{path}export.csv")["Content-Type"].startswith("text/csv"), path
        for page in ("", "add/", "export.csv", "x/change/", "x/delete/", "x/history/"):
            assert person.get(path + page).status_code == 403, path + page


def test_viewers_do_nothing_to_people(viewer, alice, known):
    known(alice)
    assert alice.email in viewer.page(f"tasks/user/{alice.id}/change/")
    for action in ("disable", "sign_out_everywhere", "remove_second_factor", "delete_selected"):
        viewer.act("tasks/user/", action, alice.id, post="yes")
    assert profiles.get_profile(alice.id).version == 1


def test_viewers_order_nothing(viewer):
    assert "Run now" not in viewer.page("pipeline/")
    assert viewer.send("pipeline/", {"kind": "run"}).status_code == 403


def test_signing_out(root):
    assert root.send("logout/", {})["Location"] == "/login/"
    assert root.get("").status_code == 302


def test_forms_need_their_token(make_account):
    client = Client(enforce_csrf_checks=True)
    account = make_account("Root", groups=("admins",))
    client.get("/login/")
    token = client.cookies["csrf"].value
    client.post(
        "/login/", {"identifier": account.email, "password": account.password, "csrfmiddlewaretoken": token}
    )
    assert client.post("/admin/tasks/task/add/", {"title": "x"}).status_code == 403


class TestSecondFactor:
    """Where the admin wants one, as it does when deployed."""

    FACTOR = "/account/security/second-factor/"

    @pytest.fixture(autouse=True)
    def wanted(self, settings):
        settings.ADMIN_SECOND_FACTOR = True

    def test_a_password_alone_opens_nothing(self, client_for, make_account):
        browser = client_for(make_account("Root", groups=("admins",)))
        for page in ("/admin/", "/admin/tasks/task/", "/admin/health/"):
            answer = browser.get(page, follow=True)
            assert answer.redirect_chain[-1][0] == self.FACTOR
            assert "The admin wants a second step at sign-in." in answer.content.decode()
        assert browser.post("/admin/tasks/task/add/", {"title": "x"})["Location"].startswith("/admin/login/")

    def test_setting_one_up_opens_it_and_stopping_closes_it(self, client_for, make_account):
        browser = client_for(make_account("Root", groups=("admins",)))
        begun = read(browser.post(self.FACTOR, {"password": PASSWORD, "act": "begin"}))
        secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1]
        done = browser.post(
            self.FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)}
        )
        assert browser.get("/admin/").status_code == 200
        code = re.search(r"<li><code>([a-z0-9-]+)</code></li>", done.content.decode())[1]
        browser.post(self.FACTOR, {"password": PASSWORD, "act": "stop", "code": code})
        assert browser.get("/admin/").status_code == 302

    def test_signing_in_with_one_opens_it(self, client_for, make_account):
        root = make_account("Root", groups=("admins",))
        browser = client_for(root)
        begun = read(browser.post(self.FACTOR, {"password": PASSWORD, "act": "begin"}))
        secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1]
        browser.post(self.FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)})
        other = Client()
        other.post("/login/", {"identifier": root.email, "password": PASSWORD})
        assert other.get("/admin/").status_code == 302
        other.post("/login/code/", {"code": totp(secret)})
        assert other.get("/admin/").status_code == 200

    def test_who_is_no_staff_is_not_sent_there(self, client_for, alice):
        assert client_for(alice).get("/admin/").status_code == 403
