"""Firehose's record format conversion: JSON records to one Parquet file with the columns of a Glue table."""

import json
import tempfile
from pathlib import Path
from typing import Any

import duckdb
from ministack.services import firehose, glue

from localcloud.aws import duckdb_session

COMPRESSIONS = {"GZIP": "gzip", "UNCOMPRESSED": "uncompressed"}


class ConversionError(ValueError):
    """Records that cannot be converted; `kind` is a key of ministack's table of conversion errors."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def convert(conversion: dict[str, Any], raws: list[bytes]) -> bytes:
    """Return the Parquet file of the JSON objects in `raws`; raise ConversionError if one cannot be converted."""
    serializer = (conversion.get("OutputFormatConfiguration") or {}).get("Serializer") or {}
    if "ParquetSerDe" not in serializer:
        raise ConversionError("unsupported")
    columns = _columns(conversion.get("SchemaConfiguration") or {})
    rows = [_row(columns, conversion, document) for raw in raws for document in _documents(raw)]
    structure = [
        {column["Name"]: firehose._hive_to_duckdb_type(column.get("Type", "string")) for column in columns}
    ]
    compression = COMPRESSIONS.get((serializer["ParquetSerDe"] or {}).get("Compression", "SNAPPY"), "snappy")
    return _written(json.dumps(rows), json.dumps(structure), compression)


def _columns(schema: dict[str, Any]) -> list[dict[str, Any]]:
    table = glue._tables.get(f"{schema.get('DatabaseName', '')}/{schema.get('TableName', '')}")
    columns: list[dict[str, Any]] = ((table or {}).get("StorageDescriptor") or {}).get("Columns") or []
    if not columns:
        raise ConversionError("table")
    return columns


def _documents(raw: bytes) -> list[dict[str, Any]]:
    try:
        documents: list[dict[str, Any]] = firehose._json_documents(raw)
    except firehose._DeliveryError as error:
        kinds = {value: kind for kind, value in firehose._CONVERSION_ERRORS.items()}
        raise ConversionError(kinds[error.code, error.message]) from error
    return documents


def _row(
    columns: list[dict[str, Any]], conversion: dict[str, Any], document: dict[str, Any]
) -> dict[str, Any]:
    deserializer = (conversion.get("InputFormatConfiguration") or {}).get("Deserializer") or {}
    openx = deserializer.get("OpenXJsonSerDe") or {}
    fold = str.lower if openx.get("CaseInsensitive", True) else str
    if openx.get("ConvertDotsInJsonKeysToUnderscores"):
        document = {key.replace(".", "_"): value for key, value in document.items()}
    fields = {fold(key): value for key, value in document.items()}
    mappings = openx.get("ColumnToJsonKeyMappings") or {}
    return {
        column["Name"]: fields.get(fold(mappings.get(column["Name"], column["Name"]))) for column in columns
    }


def _written(rows: str, structure: str, compression: str) -> bytes:
    query = "SELECT record.* FROM (SELECT unnest(from_json_strict(?::JSON, ?)) AS record)"
    with tempfile.TemporaryDirectory() as directory, duckdb_session.cursor() as cursor:
        path = Path(directory) / "converted.parquet"
        copy = f"COPY ({query}) TO {duckdb_session.quoted(str(path))} (FORMAT parquet, COMPRESSION {compression})"
        try:
            cursor.execute(copy, [rows, structure])
        except duckdb.Error as error:
            raise ConversionError("mismatch") from error
        return path.read_bytes()
