"""Parquet schemas as the catalogue declares them."""

import pyarrow as pa

from etl.lake.tables import Table

ARROW = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_schema(table: Table) -> pa.Schema:
    return pa.schema([(name, ARROW[hive_type]) for name, hive_type in table.columns])
