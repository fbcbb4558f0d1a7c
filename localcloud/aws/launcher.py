"""Restores the state, installs the patches, and serves HTTP until told to stop."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack import app as ministack_app

from localcloud.aws import (
    api_gateway,
    athena,
    cloudformation,
    cloudfront,
    cloudwatch,
    cognito,
    decisions,
    dynamodb_expressions,
    firehose,
    gateway_stage,
    glue,
    lambda_code,
    local_roles,
    log_delivery,
    mail_limits,
    model_limits,
    payload_limits,
    rates,
    role_passing,
    s3_objects,
    service_roles,
    tagging,
    time_to_live,
    tls,
)
from localcloud.aws.dynamodb_items import ItemStore
from localcloud.aws.environment import LOOPBACK, Place
from localcloud.aws.service_state import ServiceStore

NO_OWNER = 0
PATCHES = (
    *(s3_objects, athena, cloudformation, cloudwatch, cognito, firehose, api_gateway, glue, lambda_code, tls),
    *(decisions, service_roles, payload_limits, model_limits, role_passing, mail_limits, rates),
    *(gateway_stage, cloudfront, log_delivery, tagging, dynamodb_expressions),
)


def serve(place: Place) -> None:
    """Run the server; returns after a clean stop (SIGTERM or SIGINT)."""
    _refuse_taken_port(place.port)
    os.environ.pop("LOG_LEVEL", None)  # ministack has read its own, which functions would inherit
    started = time.monotonic()
    services = ServiceStore(place.state / "services")
    items = ItemStore(place.state / "dynamodb")
    for module in PATCHES:
        module.install()
    services.load()
    local_roles.install()
    entries = items.load()
    items.install()
    services.install()
    ministack_app._load_persisted_state = lambda: None
    ministack_app.save_all = lambda _: None
    print(f"restored {entries} journal entries in {time.monotonic() - started:.2f} s", flush=True)
    asyncio.run(_run(place, items, services))


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            sys.exit(f"port {port} of {LOOPBACK} is taken; choose another with LOCAL_AWS_PORT")


async def _run(place: Place, items: ItemStore, services: ServiceStore) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    jobs: list[Callable[[], Awaitable[Any]]] = [
        lambda: time_to_live.run(items),
        log_delivery.run,
        lambda: _sweep(items, services),
        cloudwatch.run,
        lambda: _stop_without_parent(stop),
    ]
    tasks = [asyncio.ensure_future(job()) for job in jobs]
    print(f"local AWS on http://{LOOPBACK}:{place.port}", flush=True)
    await hypercorn_serve(ministack_app.app, _config(place.port), shutdown_trigger=stop.wait)
    for task in tasks:
        task.cancel()
    services.save_all()
    items.close()
    print("stopped", flush=True)
    os._exit(0)  # services' worker threads (pollers, schedulers) would delay the end for seconds


def _config(port: int) -> Config:
    config = Config()
    config.bind = [f"{LOOPBACK}:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.shutdown_timeout = 5
    config.loglevel = "WARNING"
    config.backlog = 512
    return config


async def _sweep(items: ItemStore, services: ServiceStore) -> None:
    async def settings() -> None:
        while True:
            await asyncio.sleep(1)
            items.save_settings()

    await asyncio.gather(settings(), services.sweep())


async def _stop_without_parent(stop: asyncio.Event) -> None:
    """Stop when the parent process has ended, in whatever way, so that no port stays taken."""
    parent = int(os.environ.get("LOCAL_AWS_PARENT") or NO_OWNER)
    while parent != NO_OWNER and os.getppid() == parent:
        await asyncio.sleep(0.5)
    if parent != NO_OWNER:
        with contextlib.suppress(RuntimeError):
            stop.set()
