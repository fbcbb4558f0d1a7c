"""Who may see which page"""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory

from identity.decorators import manager_required, person_required
from identity.users import Anonymous, Person

PEOPLE = {
    "nobody": Anonymous(),
    "person": Person("1", "a@example.com", "a", "A"),
    "manager": Person("2", "b@example.com", "b", "B", frozenset({"managers"})),
    "admin": Person("3", "c@example.com", "c", "C", frozenset({"admins"})),
}


def see(decorator, who, path="/insights/?range=30", **headers):
    request = RequestFactory().get(path, headers=headers)
    request.user = PEOPLE[who]
    return decorator(lambda request: HttpResponse("seen"))(request)


def test_people_with_the_role_see_the_page():
    assert see(person_required, "person").content == b"seen"
    assert see(manager_required, "manager").content == b"seen"
    assert see(manager_required, "admin").content == b"seen"


@pytest.mark.parametrize("decorator", [person_required, manager_required])
def test_nobody_is_sent_to_sign_in_and_back(decorator):
    answer = see(decorator, "nobody")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/insights/%3Frange%3D30")


def test_a_fragment_sends_the_whole_page(client):
    answer = see(person_required, "nobody", **{"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/login/")


def test_a_person_is_told_why():
    with pytest.raises(PermissionDenied, match="managers group"):
        see(manager_required, "person")
