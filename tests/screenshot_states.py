"""What ``make screenshots`` does on a page before it takes a picture."""

from collections.abc import Callable
from typing import Any


def _typed(page: Any, line: str) -> None:
    page.locator("#id_title").press_sequentially(line)
    page.locator(".part").last.wait_for()


def _pressed(page: Any, button: str, then: str) -> None:
    """Press the last of these buttons, and wait for what it leads to."""
    page.locator(button).last.click(force=True)
    page.locator(then).first.wait_for()


def _sent(page: Any, line: str) -> None:
    page.locator("#id_title").fill(line)
    page.keyboard.press("Enter")
    page.locator("#quick-errors li").wait_for()


def _refused(page: Any) -> None:
    page.locator("#id_title").fill("")
    page.locator("#id_tags").fill("x" * 60)
    _pressed(page, "#edit .button-primary", "#edit [aria-invalid=true]")


def _cleared(page: Any, name: str) -> None:
    page.locator(f"#id_{name}").fill("")
    _pressed(page, "main .button-primary", "main [aria-invalid=true]")


def _token(page: Any) -> None:
    page.locator("#id_name").fill("Backup script")
    _pressed(page, ".token-form .button-primary", "#new-token")


def _german(page: Any, address: str) -> None:
    page.context.add_cookies([{"name": "language", "value": "de", "url": page.url}])
    page.goto(page.url if address == "/" else address)


def _elsewhere(page: Any, address: str, act: Callable[[Any], Any]) -> None:
    """Do it in another window."""
    other = page.context.new_page()
    other.goto(address)
    act(other)
    other.wait_for_selector(".toast")
    other.close()


def _saved(page: Any, title: str) -> None:
    page.locator("#id_title").fill(title)
    page.locator("#edit .button-primary").click()


def _conflict(page: Any) -> None:
    page.locator("#id_title").fill("Plan the autumn trip")
    page.locator("#id_category").fill("Holidays")
    _elsewhere(page, page.url, lambda other: _saved(other, "Plan the summer trip to the sea"))
    page.locator("#edit .button-primary").click()
    page.locator(".conflict").wait_for()


def _inline_conflict(page: Any) -> None:
    row = page.locator(".task", has_text="Pay rent")
    address = row.locator(".task-title").get_attribute("href")
    row.locator(".edit-line").click(force=True)
    page.locator(".line-title .input").fill("Pay the rent and the heating")
    _elsewhere(page, address, lambda other: _saved(other, "Pay rent and deposit"))
    page.locator(".line .button-primary").click()
    page.locator(".line .notice").wait_for()


def _deleted_elsewhere(page: Any) -> None:
    page.locator("#id_category").fill("Holidays")
    _elsewhere(page, page.url, lambda other: other.locator("#edit [formaction$='/delete/']").click())
    page.locator("#edit .button-primary").click()
    page.locator("[name=restore]").wait_for()


def _restored(page: Any) -> None:
    _elsewhere(
        page, "/trash/", lambda other: other.locator(".trashed", has_text="trip").locator(".restore").click()
    )
    page.reload()
    page.locator("#history-title").click()
    page.locator(".events li").first.wait_for()


STOP_THE_NEXT_STEP = """() => {
  const submit = HTMLFormElement.prototype.requestSubmit;
  HTMLFormElement.prototype.requestSubmit = function (button) {
    if (!this.matches("[data-goes-on]")) submit.call(this, button);
  };
}"""


def _importing(page: Any) -> None:
    page.evaluate(STOP_THE_NEXT_STEP)
    page.evaluate("document.querySelector('[name=part]').value = 8")
    content = "title\n" + "".join(f"Task {number}\n" for number in range(20))
    page.locator("#id_file").set_input_files(
        {"name": "t.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.locator("form[enctype] .button-primary").click()
    page.locator("progress.bar").wait_for()


def _unreachable(page: Any) -> None:
    page.locator(".tabs a").nth(1).click()
    page.wait_for_url("**view=done")
    page.context.set_offline(True)
    page.go_back()
    page.locator(".oops").wait_for()
    page.context.set_offline(False)


def _exporting(page: Any, *, done: bool) -> None:
    """Make a file in steps, or see how the first one is under way."""
    page.unroute_all()
    if not done:
        page.route("**/export/steps/**", lambda route: route.request.method == "POST" or route.continue_())
    page.goto("/account/data/export/steps/?format=csv")
    page.locator("a[href*='/data/export/']" if done else "progress").first.wait_for()


def _filled(page: Any, fields: dict[str, str], button: str) -> None:
    for name, value in fields.items():
        page.locator(f"main #id_{name}").fill(value)
    page.locator(f"main {button}").first.click()


def _too_many(page: Any, fields: dict[str, str]) -> None:
    for _ in range(11):
        _filled(page, fields, "form:has(#id_password) .button-primary")
        page.locator("main [aria-invalid=true], main [role=alert]").first.wait_for()


def _signed_up(page: Any) -> None:
    names = {"given_name": "Ada", "family_name": "Lovelace", "email": "ada.lovelace@example.com"}
    _filled(page, {**names, "password": "three-words-that-differ"}, ".button-primary")
    page.locator("#id_code").wait_for()


def _new_address(page: Any) -> None:
    _filled(page, {"email": "alice@example.org", "password": "Correct-horse-9"}, ".button-primary")
    page.locator("#id_code").wait_for()


# States that a page is brought to: where it starts, and what is done there.
SIGNED_OUT_ACTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "sign-in-too-many": (
        "/login/",
        lambda page: _too_many(page, {"identifier": "nobody@example.com", "password": "wrong"}),
    ),
    "confirm": ("/sign-up/", _signed_up),
}
ACTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "quick-add": ("/", lambda page: _typed(page, "Pay rent tomorrow 9am !high #home every month")),
    "quick-add-refused": ("/", lambda page: _sent(page, "x" * 201)),
    "inline": ("/", lambda page: _pressed(page, ".edit-line >> nth=0", ".line")),
    "deleted": ("/", lambda page: _pressed(page, "[formaction$='/delete/'] >> nth=1", ".toast")),
    "keys": ("/", lambda page: page.keyboard.press("?")),
    "menu": ("/", lambda page: page.locator("#account summary").click()),
    "move": ("/board/", lambda page: page.locator(".move summary").first.click()),
    "for-ever": ("/trash/", lambda page: page.locator(".trashed summary").first.click()),
    "task-wrong": ("/tasks/{task}/", _refused),
    "right-to-left": ("/", lambda page: page.evaluate("document.documentElement.dir = 'rtl'")),
    "board-right-to-left": ("/board/", lambda page: page.evaluate("document.documentElement.dir = 'rtl'")),
    "task-right-to-left": (
        "/tasks/{task}/",
        lambda page: page.evaluate("document.documentElement.dir = 'rtl'"),
    ),
    "exporting": ("/account/data/", lambda page: _exporting(page, done=False)),
    "exported": ("/account/data/", lambda page: _exporting(page, done=True)),
    "data-exported": ("/account/data/", lambda page: None),
    "printed": ("/", lambda page: page.emulate_media(media="print")),
    "profile-wrong": ("/account/", lambda page: _cleared(page, "name")),
    "password-wrong": (
        "/account/security/",
        lambda page: _pressed(page, "main form button", "main [aria-invalid=true]"),
    ),
    "email-code": ("/account/email/", _new_address),
    "password-too-many": (
        "/account/security/",
        lambda page: _too_many(page, {"password": "wrong", "new_password": "three-words-that-differ"}),
    ),
    "token": ("/account/access/", _token),
    "german": ("/", lambda page: _german(page, "/")),
    "german-task": ("/tasks/{task}/", lambda page: _german(page, page.url)),
    "unreachable": ("/", _unreachable),
    "inline-conflict": ("/", _inline_conflict),
    "conflict": ("/tasks/{task}/", _conflict),
    "deleted-elsewhere": ("/tasks/{task}/", _deleted_elsewhere),
    "history": ("/tasks/{task}/", _restored),
    "importing": ("/account/data/", _importing),
    "german-data": ("/account/data/", lambda page: _german(page, page.url)),
}
README_ACTS = {"readme-quick-add": ACTS["quick-add"]}
