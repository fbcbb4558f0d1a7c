"""Time to live: expired items are deleted with a REMOVE record of the TTL service, as on AWS.

Hole closed: ministack's TTL thread deletes items without a stream record, so the lake would never remove them.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import dynamodb as ddb

from localcloud.aws.dynamodb_items import ItemStore

FIVE_YEARS = 5 * 365 * 24 * 3600  # AWS ignores items that expired earlier
AT_ONCE = 100


async def run(store: ItemStore) -> None:
    """Delete expired items every LOCAL_AWS_TTL_SECONDS (60) until cancelled."""
    pause = float(os.environ.get("LOCAL_AWS_TTL_SECONDS") or 60)
    while True:
        await asyncio.sleep(pause)
        for account, region, table, attribute in list(_tables()):
            await _expire(store, account, region, table, attribute)


def _tables() -> Iterator[tuple[str, str, dict[str, Any], str]]:
    for (account, region, name), setting in ddb._ttl_settings.all_items():
        table = ddb._tables.get_scoped(account, region, name)
        if table is not None and setting.get("TimeToLiveStatus") == "ENABLED":
            yield account, region, table, setting["AttributeName"]


async def _expire(store: ItemStore, account: str, region: str, table: dict[str, Any], attribute: str) -> None:
    keys = list(_expired(table, attribute, time.time()))
    for start in range(0, len(keys), AT_ONCE):
        with request_scope(account, region):
            store.delete_expired(table, keys[start : start + AT_ONCE])
        await asyncio.sleep(0)


def _expired(table: dict[str, Any], attribute: str, now: float) -> Iterator[tuple[str, str]]:
    for pk, items in table["items"].items():
        for sk, item in items.items():
            number = item.get(attribute, {}).get("N")
            if number is not None and now - FIVE_YEARS < float(number) <= now:
                yield pk, sk
