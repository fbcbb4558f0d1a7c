"""Where a request comes from, as the platform says: never a header that the client could have written.

Behind CloudFront it is the viewer's address, which a function at the edge writes over whatever the client sent;
``web.edge`` takes it only with CloudFront's secret. Without CloudFront it is the address that API Gateway saw, and
locally that of the connection. ``X-Forwarded-For``, which Zappa makes ``REMOTE_ADDR`` of, begins with what the client
wrote.
"""

import ipaddress

from django.http import HttpRequest

VIEWER = "edge.viewer"  # no header can have this name in a WSGI environment
UNKNOWN = "unknown"
HOST_BITS_V6 = 64


def network_of(request: HttpRequest) -> str:
    """Return the network that a request comes from: an IPv4 address, or the /64 of an IPv6 address.

    One line has a /64 at least, and may use another address of it for every request.
    """
    event = request.META.get("lambda.event") or {}
    identity = event.get("requestContext", {}).get("identity", {}) if isinstance(event, dict) else {}
    remote = "" if event else request.META.get("REMOTE_ADDR", "")
    given = request.META.get(VIEWER) or identity.get("sourceIp") or remote
    try:
        address = ipaddress.ip_address(str(given))
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), HOST_BITS_V6), strict=False))
