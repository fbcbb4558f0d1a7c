"""Where a request comes from: what the platform says, and nothing that a client can write."""

import pytest
from django.test import RequestFactory

from web.client_address import UNKNOWN, VIEWER, network_of

FORGED = {"HTTP_X_FORWARDED_FOR": "9.9.9.9, 9.9.9.8", "HTTP_X_VIEWER_ADDRESS": "9.9.9.7"}


def network(**meta):
    request = RequestFactory().get("/", **FORGED)
    request.META.update(meta)
    return network_of(request)


def gateway(address):
    return {"lambda.event": {"requestContext": {"identity": {"sourceIp": address}}}}


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::ffff", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", UNKNOWN),
        ("unix:", UNKNOWN),
        ("203.0.113.7, 1.1.1.1", UNKNOWN),
    ],
)
def test_an_ipv4_address_or_the_64_of_an_ipv6_address(address, found):
    assert network(REMOTE_ADDR=address) == found


def test_zappas_remote_address_is_what_the_client_wrote():
    assert network(**gateway("203.0.113.7"), REMOTE_ADDR="9.9.9.9") == "203.0.113.7"
    assert network(**{"lambda.event": {"headers": {}}}, REMOTE_ADDR="9.9.9.9") == UNKNOWN


def test_behind_cloudfront_it_is_the_viewers():
    assert network(**{VIEWER: "203.0.113.9"}, **gateway("130.176.0.1")) == "203.0.113.9"
    assert network(**{VIEWER: ""}, **gateway("130.176.0.1")) == "130.176.0.1"
