"""What the Glue job runs on: Glue brings its own Python, Spark and boto3, and not every boto3 can commit."""

import platform
from typing import Any

import boto3
import botocore


def versions() -> dict[str, str]:
    """Versions of what the job imports besides Spark, by name."""
    return {
        "python": platform.python_version(),
        "boto3": boto3.__version__,
        "botocore": botocore.__version__,
    }


def require_conditional_writes(s3: Any) -> None:
    """Raise RuntimeError if this boto3 cannot commit: older ones do not know the condition `IfMatch` of PutObject."""
    known = s3.meta.service_model.operation_model("PutObject").input_shape.members
    if not {"IfMatch", "IfNoneMatch"} <= known.keys():
        raise RuntimeError(
            f"boto3 {boto3.__version__} (botocore {botocore.__version__}) is too old: its PutObject has no IfMatch. "
            "Start the job with --additional-python-modules, as infra/pipeline.py does."
        )
