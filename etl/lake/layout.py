"""Where everything lies in the three buckets: prefixes, keys, retention periods, and the partition of a user.

Every other app may import this module, so it imports only the standard library.
"""

import hashlib
import re

USER_BUCKETS = 16
BRONZE_PREFIX = "cdc/"
BRONZE_ERROR_PREFIX = "cdc-errors/"
REQUESTS_PREFIX = "requests/"
REQUESTS_ERROR_PREFIX = "requests-errors/"
SILVER_PREFIX = "silver/"
GOLD_PREFIX = "gold/"
JOB_REQUESTS_PREFIX = f"{SILVER_PREFIX}_orders/"
ERASED = "erased.json"  # in Bronze: digests of the ids of erased people
REBUILT_TABLES = "rebuilt-tables.json"  # in Bronze: names of the tables that were restored from it
RESULTS_PREFIX = "athena-results/"
CACHE_PREFIX = "cache/"
# Value of `table_name`, which tells the changes of several DynamoDB tables apart. It names a kind of table, whatever
# the suffix of a deployment; changes that were captured before there was the column are this table's.
SOURCE_TABLE = "todo-app-data"
EXPORTS_PREFIX = "exports/"  # files that people have exported; nothing of the lake
# The live files of Silver; the latest snapshot of Gold; its key figures; the snapshot that readers see in Glue.
SILVER_CURRENT = f"{SILVER_PREFIX}_current.json"
# What it was when the lake of an older version was taken over: put back, it takes that back (docs/runbooks/etl.md).
SILVER_BEFORE = f"{SILVER_PREFIX}_before.json"
GOLD_COMMIT = f"{GOLD_PREFIX}_commit.json"
GOLD_KPIS = f"{GOLD_PREFIX}_kpis.json"
GOLD_CURRENT = f"{GOLD_PREFIX}_current.json"
# Retention by layer and prefix, applied in AWS by lifecycle rules and elsewhere by `etl.upkeep.retention`. Changes
# (`cdc/`) are the backup and never expire.
RETENTION_DAYS = {
    "bronze": {BRONZE_ERROR_PREFIX: 90, REQUESTS_PREFIX: 365, REQUESTS_ERROR_PREFIX: 30},
    "silver": {JOB_REQUESTS_PREFIX: 30},
    "gold": {RESULTS_PREFIX: 7, CACHE_PREFIX: 14, EXPORTS_PREFIX: 1},
}
_NAME = re.compile(r"[/=](\d{8}T\d{12}-[0-9a-f]{6})[/.]")
# Quarantined rows that arrived earlier are dropped; Bronze still has them.
QUARANTINE_DAYS = 365


def user_bucket(user_id: str) -> str:
    """Partition of a user, "00" to "15": a hash that never changes."""
    return f"{int(hashlib.sha256(user_id.encode()).hexdigest()[:8], 16) % USER_BUCKETS:02d}"


def is_cut(cut: str | None) -> bool:
    """Whether the image after a change lacks attributes, by the column `cut` of the change, task or profile."""
    return "new_image" in (cut or "")


def bucket_of(key: str) -> str:
    """The user bucket in a key; empty where it has none."""
    return _after(key, "user_bucket=")


def snapshot_of(key: str) -> str:
    """The Gold snapshot in a key; empty where it has none."""
    return _after(key, "/snapshot=")


def _after(key: str, name: str) -> str:
    return key.partition(name)[2].partition("/")[0]


def silver_folder(table: str, bucket: str, commit: str) -> str:
    """Prefix of the files that a commit writes for one user bucket of a Silver table."""
    return f"{SILVER_PREFIX}{table}/user_bucket={bucket}/{commit}/"


def list_folder(table: str, bucket: str, commit: str) -> str:
    """Location of one user bucket of a Silver table: the prefix of the list of its files that a commit writes."""
    return f"{SILVER_PREFIX}{table}/lists/user_bucket={bucket}/{commit}/"


def made_by(key: str) -> str:
    """The commit or snapshot in a key; empty if it has none."""
    found = _NAME.search(key)
    return found[1] if found else ""


def gold_folder(table: str, snapshot: str) -> str:
    """Prefix of the files of a Gold table in a snapshot."""
    return f"{GOLD_PREFIX}{table}/snapshot={snapshot}/"


def gold_file(table: str, snapshot: str) -> str:
    """Key of the one file that the embedded engine writes for a Gold table in a snapshot."""
    return gold_folder(table, snapshot) + "part-0.parquet"
