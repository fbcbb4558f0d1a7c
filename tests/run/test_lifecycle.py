"""``make run`` from the first start to the last: what it serves, what it refuses, what it leaves behind."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import stat
import uuid

import psutil
import pytest

from tests.run.stack import Stack, running, until

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A running copy without a demo workspace."""
    one = Stack(tmp_path_factory.mktemp("lifecycle") / "local")
    one.start()
    yield one
    one.clean_up()


@pytest.fixture
def another(tmp_path):
    """Return a function that makes another copy, not started; nothing of it survives the test."""
    made = []

    def make(directory=None, **variables) -> Stack:
        made.append(Stack(directory or tmp_path / f"local-{len(made)}", **variables))
        return made[-1]

    yield make
    for one in made:
        one.clean_up()


def request(stack: Stack, method: str, path: str, body=None, token: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, content


def create_task(stack: Stack, title: str) -> dict:
    token = stack.token("person@example.com", stack.environment()["DEMO_PASSWORD"])
    status, content = request(stack, "POST", "/api/v1/tasks", {"title": title}, token)
    assert status == 201, content
    return json.loads(content)


def listening(processes: list[psutil.Process]) -> set[tuple[str, int]]:
    """Return every address and port on which one of the processes accepts anything, UDP included."""
    return {
        (connection.laddr.ip, connection.laddr.port)
        for process in processes
        for connection in process.net_connections(kind="inet")
        if connection.laddr
        and (connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM)
    }


def healthy(stack: Stack) -> bool:
    try:
        return request(stack, "GET", "/api/health")[0] == 200
    except OSError:
        return False


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_first_start_serves_the_site_and_prints_how_to_sign_in(stack):
    said = stack.said()
    variables = stack.environment()

    assert f"http://127.0.0.1:{stack.port}" in said
    for promised in (
        "person@example.com",
        "manager@example.com",
        "admin@example.com",
        variables["DEMO_PASSWORD"],
    ):
        assert promised in said
    assert str(stack.directory) in said
    assert "\033" not in said, "a file is not a terminal"
    assert variables["APP_URL"] == f"http://127.0.0.1:{stack.port}"
    assert variables["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{stack.aws_port}"
    assert request(stack, "GET", "/api/health")[0] == 200
    assert request(stack, "GET", "/login/")[0] == 200


def test_a_task_made_with_a_cognito_token_reaches_the_lake_and_leaves_it(stack):
    title = f"from the outside {uuid.uuid4()}"
    task = create_task(stack, title)
    query = f"SELECT title, status FROM tasks WHERE task_id = '{task['id']}'"
    assert until(lambda: stack.query(query), "the task is in Silver") == [(title, "pending")]

    token = stack.token("person@example.com", stack.environment()["DEMO_PASSWORD"])
    assert request(stack, "DELETE", f"/api/v1/tasks/{task['id']}", token=token)[0] == 204
    until(lambda: not stack.query(query), "the deleted task has left Silver")


def test_nothing_listens_beyond_the_loopback_interface(stack):
    found = listening(stack.processes())

    assert ("127.0.0.1", stack.port) in found
    assert ("127.0.0.1", stack.aws_port) in found
    assert {address for address, _ in found} == {"127.0.0.1"}


def test_secrets_are_their_owners(stack):
    for name in ("env", "secrets.json"):
        assert stat.S_IMODE((stack.directory / name).stat().st_mode) == 0o600


def test_a_second_copy_in_the_same_directory_is_refused(stack, another):
    second = another(stack.directory)
    assert second.launch().wait(60) != 0

    assert f"process {stack.runner().pid}" in second.said()
    assert "LOCAL_DIR=" in second.said()
    assert request(stack, "GET", "/api/health")[0] == 200


@pytest.mark.parametrize("variable", ["PORT", "LOCAL_AWS_PORT"])
def test_a_taken_port_is_named_with_the_way_out(stack, another, variable):
    second = another(**{variable: str(stack.port)})
    assert second.launch().wait(60) != 0

    assert f"Port {stack.port} is in use by" in second.said()
    assert f"{variable}=" in second.said()
    assert "Traceback" not in second.said()


def test_two_copies_run_side_by_side(stack, another):
    second = another()
    second.start()
    task = create_task(second, "only in the second copy")

    token = stack.token("person@example.com", stack.environment()["DEMO_PASSWORD"])
    assert request(stack, "GET", f"/api/v1/tasks/{task['id']}", token=token)[0] == 404
    assert stack.environment()["USER_POOL_ID"] != second.environment()["USER_POOL_ID"]


def test_a_crashed_part_comes_back(stack):
    web = next(one for one in stack.processes() if "gunicorn" in " ".join(one.cmdline()))
    workers = web.children()
    web.kill()

    until(lambda: not any(running(worker) for worker in workers), "its workers are gone too")
    until(lambda: re.search(r"web was killed by signal 9; restarting it", stack.said()), "it is said")
    until(lambda: healthy(stack), "the site is back")


def test_a_crashed_local_aws_comes_back_with_its_data(stack):
    task = create_task(stack, "before the crash")
    next(one for one in stack.processes() if "localcloud.aws" in " ".join(one.cmdline())).kill()

    until(lambda: re.search(r"local-aws was killed by signal 9", stack.said()), "it is said")
    until(lambda: accepts(stack.aws_port), "the local AWS is back")
    query = f"SELECT title FROM tasks WHERE task_id = '{task['id']}'"
    assert until(lambda: stack.query(query), "the lake goes on") == [("before the crash",)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_leaves_nothing_and_the_next_start_has_the_data(another, number):
    one = another()
    one.start()
    before = one.environment()
    task = create_task(one, "kept")
    processes = one.processes()
    if number == signal.SIGINT:  # Ctrl-C reaches the whole foreground group
        for process in processes:
            if process.ppid() == one.process.pid or process.pid == one.process.pid:
                process.send_signal(number)
        one.process.wait(60)
    else:
        one.stop(number)

    until(lambda: not any(running(process) for process in processes), "every process has ended")
    assert not accepts(one.port)
    assert not accepts(one.aws_port)
    assert "Stopped." in one.said()
    assert "was killed" not in one.said()

    one.start()
    assert one.environment() == before
    token = one.token("person@example.com", before["DEMO_PASSWORD"])
    status, content = request(one, "GET", f"/api/v1/tasks/{task['id']}", token=token)
    assert (status, json.loads(content)["title"]) == (200, "kept")
    assert "static files" not in one.said(), "nothing is done twice"


@pytest.mark.parametrize("which", ["make", "runner"])
def test_whichever_is_killed_takes_the_others_along(another, which):
    one = another()
    one.start()
    processes = one.processes()
    (one.process if which == "make" else one.runner()).kill()
    one.process.wait(60)

    until(lambda: not any(running(process) for process in processes), "every process has ended")
    # A worker of the site that began after the list was made ends with its parent, too: a moment later.
    until(lambda: not accepts(one.port), "nothing answers at the site's port")


def test_stopping_while_starting_leaves_nothing(another):
    one = another()
    one.launch()
    until(lambda: accepts(one.aws_port), "the local AWS answers")
    processes = one.processes()
    one.stop()

    until(lambda: not any(running(process) for process in processes), "every process has ended")
    assert "Traceback" not in one.said()


def test_a_directory_whose_user_pool_is_lost_is_reported(another):
    one = another()
    one.directory.mkdir()
    (one.directory / "provision.json").write_text(json.dumps({"USER_POOL_ID": "us-east-1_gone"}))
    assert one.launch().wait(120) != 0

    assert "us-east-1_gone" in one.said()
    assert "Everything has been stopped" in one.said()
    assert "Traceback" not in one.said()
    assert not accepts(one.aws_port)
