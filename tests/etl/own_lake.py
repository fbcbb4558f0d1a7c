"""A lake of a test's own on the local AWS: buckets, a Glue database, a connection to Athena."""

import functools
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyathena

from etl.lake import catalog
from etl.run import Lake, local_lake
from tests.etl.memory import CONFIG
from tests.roles import OWNER

LAYERS = ("bronze", "silver", "gold")


class OwnLake:
    """Empty, with every table declared.

    Parameters
    ----------
    folder
        For local copies.
    """

    def __init__(self, folder: Path) -> None:
        self.s3, self.glue, self.folder = OWNER.client("s3"), OWNER.client("glue"), folder
        name = f"own-{uuid.uuid4().hex[:8]}"
        self.buckets = {layer: f"{name}-{layer}" for layer in LAYERS}
        database = name.replace("-", "_")
        named = {f"{layer}_bucket": bucket for layer, bucket in self.buckets.items()}
        for bucket in self.buckets.values():
            self.s3.create_bucket(Bucket=bucket)
        self.glue.create_database(DatabaseInput={"Name": database})
        for table in catalog.glue_tables(database=database, **named):
            self.glue.create_table(DatabaseName=database, TableInput=table)
        self.config = replace(CONFIG, **named, database=database)

    def put_bronze(self, objects: dict[str, bytes]) -> None:
        """Write Bronze objects by key."""
        for key, body in objects.items():
            self.s3.put_object(Bucket=self.buckets["bronze"], Key=key, Body=body)

    def process(self, name: str = "lake") -> Lake:
        """A process on this lake, with nothing of its own where the name is new."""
        return local_lake(self.config, self.s3, self.glue, self.folder / name)

    @functools.cached_property
    def _connection(self) -> Any:
        return pyathena.connect(
            schema_name=self.config.database,
            s3_staging_dir=f"s3://{self.buckets['gold']}/athena-results/",
            poll_interval=0.05,
            **OWNER.keys,
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query through Athena."""
        return list(self._connection.cursor().execute(sql).fetchall())
