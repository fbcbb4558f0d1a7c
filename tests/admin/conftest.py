"""An admin, a viewer, their browsers, and reading the admin's forms."""

from html.parser import HTMLParser

import pytest


class Form(HTMLParser):
    """The fields of a page as a browser would send them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._area = self._select = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name, kind = attrs.get("name"), attrs.get("type", "text")
        if tag == "input" and name and kind not in {"submit", "button"}:
            if kind not in {"checkbox", "radio"} or "checked" in attrs:
                self.fields.setdefault(name, []).append(attrs.get("value") or "")
        elif tag == "textarea":
            self._area = name
            self.fields[name] = [""]
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in attrs:
            self.fields.setdefault(self._select, []).append(attrs.get("value", ""))

    def handle_endtag(self, tag):
        self._area = "" if tag == "textarea" else self._area
        self._select = "" if tag == "select" else self._select

    def handle_data(self, data):
        if self._area:
            self.fields[self._area] = [self.fields[self._area][0] + data.removeprefix("\n")]


class Admin:
    """Somebody's browser in the admin."""

    def __init__(self, client, account) -> None:
        self.client, self.account = client, account

    def get(self, path: str):
        return self.client.get(f"/admin/{path}")

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (answer.status_code, path)
        return answer.getvalue().decode()

    def fill(self, path: str, **changes):
        """Open a form, change some fields, and return what would be sent."""
        return {**Form(self.page(path)).fields, **changes}

    def send(self, path: str, data, **options):
        return self.client.post(f"/admin/{path}", data, **options)

    def save(self, path: str, **changes):
        """Open a form, change some fields and save; the answer is a redirect, or the form with what is wrong."""
        return self.send(path, self.fill(path, **changes))

    def carry_out(self, path: str, action: str, *keys: str, **more):
        """Run an action on rows of a list and say yes; return the page that follows."""
        return self.act(path, action, *keys, apply="1", **more)

    def act(self, path: str, action: str, *keys: str, **more):
        """Ask for an action on rows of a list; return the page that follows, which may ask back."""
        data = {"action": action, "_selected_action": list(keys), "index": "0", **more}
        return self.send(path, data, follow=True).getvalue().decode()


@pytest.fixture
def admin_of(client_for):
    return lambda account: Admin(client_for(account), account)


@pytest.fixture
def root(make_account, admin_of) -> Admin:
    """Somebody in the group admins."""
    return admin_of(make_account("Root", groups=("admins",)))


@pytest.fixture
def other_root(make_account, admin_of) -> Admin:
    return admin_of(make_account("Other", groups=("admins",)))


@pytest.fixture
def viewer(make_account, admin_of) -> Admin:
    """Somebody in the group viewers."""
    return admin_of(make_account("Viewer", groups=("viewers",)))


@pytest.fixture
def add(ctx, alice):
    """Return a function that gives Alice a task and returns it: ``add("Pay rent")``."""
    from tasks import services

    return lambda title, **fields: services.create_task(ctx(alice), {"title": title, **fields}).task


@pytest.fixture
def known(ctx):
    """Return a function that gives an account a profile, and returns the account."""
    from identity import profiles

    def make(account):
        given = {"email": account.email, "username": account.username, "name": account.name}
        profiles.ensure_profile(ctx(account), given)
        return account

    return make
