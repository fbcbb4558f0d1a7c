"""Where everything lies in the three buckets: prefixes, how long each is kept, and which partition a user is in."""

import hashlib

USER_BUCKETS = 16
BRONZE_PREFIX = "cdc/"
BRONZE_ERROR_PREFIX = "cdc-errors/"
REQUESTS_PREFIX = "requests/"
REQUESTS_ERROR_PREFIX = "requests-errors/"
SILVER_PREFIX = "silver/"
GOLD_PREFIX = "gold/"
ORDERS_PREFIX = f"{SILVER_PREFIX}_orders/"
RESULTS_PREFIX = "athena-results/"
CACHE_PREFIX = "cache/"
# How long what nothing else refers to is kept, by layer and prefix: in AWS by lifecycle rules, elsewhere by
# `etl.upkeep.retention`. Changes (`cdc/`) are the backup and stay for ever.
RETENTION_DAYS = {
    "bronze": {BRONZE_ERROR_PREFIX: 90, REQUESTS_PREFIX: 365, REQUESTS_ERROR_PREFIX: 30},
    "silver": {ORDERS_PREFIX: 30},
    "gold": {RESULTS_PREFIX: 7, CACHE_PREFIX: 14},
}
# A row in quarantine whose file is older than this was given up; Bronze still has it.
QUARANTINE_DAYS = 365


def user_bucket(user_id: str) -> str:
    """Partition of a user, "00" to "15": a stable hash, the same on every engine and in every run."""
    return f"{int(hashlib.sha256(user_id.encode()).hexdigest()[:8], 16) % USER_BUCKETS:02d}"
