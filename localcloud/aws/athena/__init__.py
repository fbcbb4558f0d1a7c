"""Athena on DuckDB, with Trino's language, types and result files.

Hole closed: ministack hands the SQL to DuckDB as it is (approx_percentile, date_format, date_add, `7 / 2` … fail or
differ), copies every object of a table for each query, ignores ExecutionParameters and partition locations, writes
results to the wrong key, and keeps results that cannot be saved with its state.

`service` is the API, `catalog` turns Glue tables into DuckDB relations, `translate` turns Trino SQL into DuckDB's,
`results` turns DuckDB values into Athena's types and text.
"""

from localcloud.aws.athena.service import install

__all__ = ["install"]
