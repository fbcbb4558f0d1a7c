"""Tasks are dragged with a finger, on the board and on the calendar; a finger that does not wait scrolls."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.web.conftest import session_cookie

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def phone(visit, client_for, alice, site):
    """Return a function that opens a page on Alice's phone."""

    def start(url):
        page = visit("narrow", has_touch=True, is_mobile=True)
        page.context.add_cookies([session_cookie(client_for(alice), site)])
        page.goto(url)
        page.wait_for_load_state()
        return page

    return start


class Finger:
    """One finger on the screen."""

    def __init__(self, page) -> None:
        self.page, self._session = page, page.context.new_cdp_session(page)

    def _send(self, kind, *points):
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    def down(self, locator):
        box = locator.bounding_box()
        self._send("touchStart", {"x": box["x"] + 30, "y": box["y"] + box["height"] / 2})

    def move(self, x, y):
        self._send("touchMove", {"x": x, "y": y})

    def up(self):
        self._send("touchEnd")


def test_a_finger_drags_a_task_to_another_column(phone, add, stored):
    task = add("Drag me")
    page = phone("/board/")
    finger = Finger(page)
    finger.down(page.locator(f"#c-{task.id}"))
    expect(page.locator(".ghost")).to_be_visible()
    finger.move(380, 400)  # at the edge the board scrolls to the next columns
    expect(page.locator(".column-in_progress")).to_be_in_viewport(ratio=0.6)
    finger.move(200, 400)
    target = page.locator(".column.drop:not(.column-pending)")
    expect(target).to_have_count(1)  # which one depends on how far the board had come
    status = target.get_attribute("data-status")
    finger.up()
    expect(page.locator(f".column-{status} .task-title")).to_have_text(["Drag me"])
    expect(page.locator(".toast")).to_contain_text("“Drag me”")
    expect(page.locator(".ghost")).to_have_count(0)
    assert stored(task).status == status


def test_a_finger_that_moves_at_once_drags_nothing(phone, add, stored):
    task = add("Leave me")
    page = phone("/board/")
    finger = Finger(page)
    finger.down(page.locator(f"#c-{task.id}"))
    for x in (150, 100, 50):
        finger.move(x, 400)
    finger.up()
    expect(page.locator(".ghost, .dragging")).to_have_count(0)
    assert stored(task).status == "pending"


def test_a_task_is_dragged_to_another_day(phone, add, stored, today):
    task = add("Move me", due_date=str(today), due_time="09:00", timezone="UTC")
    day = today + timedelta(days=1)
    page = phone(f"/calendar/?week={today}" if day.weekday() else f"/calendar/?week={day}")
    source = page.locator(f"#d-{task.id}")
    if not source.count():  # tomorrow is in the next week: move the task back a day instead
        page.goto(f"/calendar/?week={today}")
        day = today - timedelta(days=1)
    finger = Finger(page)
    finger.down(source)
    expect(page.locator(".ghost")).to_be_visible()
    target = page.locator(".day", has=page.locator(f"time[datetime='{day}']"))
    expect(target).to_be_visible()  # it was hidden, having no tasks
    box = target.bounding_box()
    finger.move(box["x"] + 100, box["y"] + box["height"] / 2)
    expect(target).to_have_class("day free drop")
    finger.up()
    expect(page.locator(".toast")).to_contain_text("Changed 1 task")
    assert (stored(task).due_date, stored(task).due_time) == (str(day), "09:00")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".day", has=page.locator(f"time[datetime='{today}']"))).to_contain_text("Move me")


def test_a_task_is_dragged_and_moved_by_keys_to_another_day(
    visit, client_for, alice, site, add, stored, today
):
    task = add("Move me", due_date=str(today))
    page = visit()
    page.context.add_cookies([session_cookie(client_for(alice), site)])
    page.goto("/calendar/")
    page.wait_for_load_state()
    day = today.replace(day=15 if today.day != 15 else 16)
    page.locator(f"#d-{task.id}").drag_to(page.locator(".day", has=page.locator(f"time[datetime='{day}']")))
    expect(page.locator(".toast")).to_contain_text("Changed 1 task")
    assert stored(task).due_date == str(day)
    page.get_by_role("link", name="Move me").focus()
    page.keyboard.press("]")
    after = str(day + timedelta(days=1))
    expect(page.locator(".day", has=page.locator(f"time[datetime='{after}']"))).to_contain_text("Move me")
    expect(page.get_by_role("link", name="Move me")).to_be_focused()
    page.keyboard.press("[")
    expect(page.locator(".day", has=page.locator(f"time[datetime='{day}']"))).to_contain_text("Move me")
