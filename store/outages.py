"""Whether AWS could not do something, or refused it as it is: only the first is worth another try."""

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

# What AWS says of a request that it would take another time.
_PASSING = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TransactionInProgressException",
        "LimitExceededException",
        "ExpiredToken",
        "ExpiredTokenException",
    }
)


def is_outage(error: BotoCoreError | ClientError) -> bool:
    """Return whether AWS could not be reached or had no room; otherwise it refused the request as it is."""
    if not isinstance(error, ClientError):
        return not isinstance(error, ParamValidationError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status >= 500 or status == 429 or error.response["Error"]["Code"] in _PASSING
