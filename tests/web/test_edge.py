"""Behind CloudFront: nobody comes around it, and all addresses are the public one."""

import hashlib

import pytest
from django.test import Client, override_settings

from web.client_address import network_of

SECRET, PREVIOUS = "s" * 64, "p" * 64
PUBLIC = "https://d123.cloudfront.net"
GATEWAY = "abc.execute-api.eu-central-1.amazonaws.com"


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def edge():
    behind = {
        "EDGE_DIGESTS": [digest(SECRET), digest(PREVIOUS)],
        "APP_URL": PUBLIC,
        "ALLOWED_HOSTS": ["d123.cloudfront.net"],
        "CSRF_TRUSTED_ORIGINS": [PUBLIC],
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
        "FORCE_SCRIPT_NAME": "",
    }
    with override_settings(**behind):
        yield Client(headers={"host": GATEWAY, "x-forwarded-proto": "https"})


def through(edge, path, secret=SECRET, **more):
    return edge.get(path, headers={"x-origin-secret": secret}, SCRIPT_NAME="/dev", **more)


@pytest.mark.parametrize("secret", [None, "", "x" * 64, digest(SECRET), f"{SECRET} ", "ü"])
@pytest.mark.parametrize(
    "path", ["/login/", "/health", "/api/v1/tasks", "/static/css/tokens.css", "/nothing"]
)
def test_around_cloudfront_everything_is_refused(edge, path, secret):
    headers = {} if secret is None else {"x-origin-secret": secret}
    answer = edge.get(path, headers=headers)
    assert answer.status_code == 403
    assert PUBLIC in answer.content.decode()
    assert answer["X-Request-ID"]


def test_a_refusal_of_the_api_is_a_problem(edge):
    answer = edge.get("/api/v1/tasks")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 403


@pytest.mark.parametrize("secret", [SECRET, PREVIOUS])
def test_through_cloudfront_the_site_answers_also_while_the_secret_changes(edge, secret):
    assert through(edge, "/health", secret).status_code == 200


def test_links_have_no_stage_and_cookies_belong_to_the_whole_host(edge):
    page = through(edge, "/login/")
    assert page.status_code == 200
    assert "/dev/" not in page.content.decode()
    assert {cookie["path"] for cookie in page.cookies.values()} == {"/"}


def test_redirects_and_absolute_addresses_are_public(edge):
    answer = through(edge, "/tasks/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")
    request = through(edge, "/login/").wsgi_request
    assert request.build_absolute_uri("/calendar/x.ics") == f"{PUBLIC}/calendar/x.ics"


def test_a_form_of_the_public_address_is_accepted_and_anothers_is_not():
    behind = {"EDGE_DIGESTS": [digest(SECRET)], "APP_URL": PUBLIC, "CSRF_TRUSTED_ORIGINS": [PUBLIC]}
    behind |= {
        "ALLOWED_HOSTS": ["d123.cloudfront.net"],
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    }
    with override_settings(**behind):
        client = Client(enforce_csrf_checks=True, headers={"host": GATEWAY, "x-forwarded-proto": "https"})
        page = client.get("/login/", headers={"x-origin-secret": SECRET})
        token = page.context["csrf_token"]
        for origin, refused in ((PUBLIC, False), ("https://evil.example", True)):
            answer = client.post(
                "/login/",
                {"csrfmiddlewaretoken": str(token)},
                headers={"x-origin-secret": SECRET, "origin": origin},
            )
            assert (answer.status_code == 403) is refused


def test_the_viewers_address_is_taken_from_cloudfront_only(edge):
    request = through(edge, "/login/", HTTP_X_VIEWER_ADDRESS="203.0.113.9").wsgi_request
    assert network_of(request) == "203.0.113.9"
    request = Client().get("/login/", headers={"x-viewer-address": "203.0.113.9"}).wsgi_request
    assert network_of(request) != "203.0.113.9"


def test_without_cloudfront_there_is_no_secret(client):
    assert client.get("/health").status_code == 200
