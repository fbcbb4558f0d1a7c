"""Treats every request as sent over TLS.

Hole closed: ministack evaluates bucket and queue policies, and this server speaks plain HTTP on the loopback interface,
so a policy that requires TLS, as those of our buckets do, would refuse everybody.
"""

from ministack import app as ministack_app


def install() -> None:
    """Tell the policy evaluator that the transport is secure."""
    pin = ministack_app.pin_request_origin

    def pin_secure(source_ip: str, _: bool) -> None:
        pin(source_ip, True)

    ministack_app.pin_request_origin = pin_secure
