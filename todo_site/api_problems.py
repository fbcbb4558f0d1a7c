"""Every problem that the API answers with, by its code: what it means, and what a client does about it.

``python -m todo_site.api_problems > docs/errors.md`` writes the document; ``/api/docs/errors`` shows the same.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem: the statuses it comes with, its meaning, and what to do."""

    statuses: tuple[int, ...]
    meaning: str
    remedy: str


_AGAIN = (
    "Wait as long as `Retry-After` says, and send the same request again, with the same `Idempotency-Key`."
)
_NOT_FOUND = (
    "Check the id. It may have been deleted, or have been another person's all along: both look alike."
)
_LIST = "List what there is, and use an id of those."

PROBLEMS = {
    "access-revoked": Problem(
        (401,),
        "Your access was revoked a moment ago, and the request would have made something that outlives it.",
        "Sign in again.",
    ),
    "access-token-not-found": Problem(
        (404,), "You have no access token with this id, or it was revoked or has expired.", _LIST
    ),
    "address-too-long": Problem(
        (414,),
        "The address has more parameters than the API reads. `detail` says how many bytes.",
        "Ask for less.",
    ),
    "answer-too-large": Problem(
        (422,),
        "The answer is larger than can be sent. A write was carried out all the same, and `detail` says so.",
        "Ask for less, with a smaller `limit`, with `fields` or with more filters.",
    ),
    "bad-request": Problem(
        (400,),
        "The request is not proper HTTP for this site: its host or its form is not valid.",
        "Correct it.",
    ),
    "body-missing": Problem((400,), "The request has no body, and needs one.", "Send the body."),
    "calendar-feed-not-found": Problem(
        (404,),
        "You have no calendar feed, or there is none at this address any more.",
        "Make one with `POST /api/v1/calendar`.",
    ),
    "charset": Problem((415,), "The body claims another character set than UTF-8.", "Send UTF-8."),
    "content-encoding": Problem(
        (415,), "The body is compressed.", "Send it as it is, without `Content-Encoding`."
    ),
    "credentials-missing": Problem(
        (401,), "The request says nothing about who you are.", "Send `Authorization: Bearer` with a token."
    ),
    "csrf": Problem(
        (403,),
        "A write in a browser's session came without the page's CSRF token.",
        "Send the token in `X-CSRFToken`, or use an access token.",
    ),
    "export-busy": Problem((409,), "Another request works on this export's current step.", _AGAIN),
    "export-not-found": Problem(
        (404,), "You have no export with this id. Exports are kept for a day.", _LIST
    ),
    "export-too-large": Problem(
        (422,),
        "Your tasks do not fit into one answer.",
        "Make the file in steps, with `POST /api/v1/exports`.",
    ),
    "forbidden": Problem(
        (403,), "You may not do this.", "Nothing: ask an administrator if you should be able to."
    ),
    "headers-too-large": Problem(
        (431,), "The request's headers are larger than the site reads.", "Send fewer or shorter ones."
    ),
    "idempotency-in-flight": Problem(
        (409,), "An earlier request with this `Idempotency-Key` has not been answered yet.", _AGAIN
    ),
    "idempotency-mismatch": Problem(
        (422,),
        "This `Idempotency-Key` came with another request within the last 24 hours.",
        "Use a new key for a new request.",
    ),
    "identity-unavailable": Problem((503,), "The sign-in service cannot be reached.", _AGAIN),
    "import-busy": Problem((409,), "Another request works on this import's current step.", _AGAIN),
    "import-not-found": Problem(
        (404,), "You have no import with this id. Imports are kept for a day.", _LIST
    ),
    "insufficient-scope": Problem(
        (403,), "Your access token may read, and this is a write.", "Use a token with the scope `write`."
    ),
    "internal-error": Problem(
        (500,),
        "Something went wrong on our side.",
        "Try again later. If it stays so, report it with the `request_id`.",
    ),
    "invalid-cursor": Problem(
        (422,),
        "The cursor is not one of this list: it belongs to another list, other filters or another person.",
        "Begin with the first page, and follow `Link`.",
    ),
    "invalid-token": Problem(
        (401,), "The token is malformed, expired, revoked or not meant for this API.", "Get a new one."
    ),
    "length-required": Problem(
        (411,), "The body comes in chunks, without its length.", "Send it with `Content-Length`."
    ),
    "malformed-body": Problem(
        (400,),
        "The body is not JSON, not UTF-8, or not an object (for an import of JSON: an array). `detail` says where.",
        "Correct the body. A name may occur once in an object; `NaN` and lone surrogates are not JSON.",
    ),
    "malformed-condition": Problem(
        (400,),
        "`If-Match` or `If-None-Match` of a write is not a list of ETags, nor `*`.",
        'Send the `ETag` as you got it, quotes included: `If-Match: "3"`.',
    ),
    "malformed-idempotency-key": Problem(
        (400,),
        "The `Idempotency-Key` is empty, too long or not printable ASCII.",
        "Send 1 to 255 characters, such as a random UUID.",
    ),
    "managers-only": Problem(
        (403,), "These are everybody's figures, and you are not a manager.", "Ask an administrator."
    ),
    "media-type": Problem(
        (415,),
        "The body's `Content-Type` is not one that this operation reads.",
        "Send the one that `detail` names.",
    ),
    "method-not-allowed": Problem(
        (405,), "The address exists, but not with this method.", "Use a method that `Allow` lists."
    ),
    "nothing-published": Problem(
        (404,), "There are no figures yet: the lake has not published any.", "Try again in some minutes."
    ),
    "path-not-found": Problem(
        (404,), "The API has no such address.", "Check the path: it has no slash at its end."
    ),
    "question-not-found": Problem(
        (404,), "There is no question of this name.", "List the questions with `GET /api/v1/insights`."
    ),
    "rate-limit": Problem(
        (429,),
        "You have used up what one person may do in a minute. `RateLimit` says what is left, with every answer.",
        "Wait as long as `Retry-After` says.",
    ),
    "read-only": Problem(
        (403,),
        "Your browser's session looks as another person, and may neither change nor take along what is theirs.",
        "End it, or use a token of your own.",
    ),
    "request-too-large": Problem(
        (413,),
        "The body, or the number of parameters, is larger than the API reads. `detail` says what would pass.",
        "Send it in parts.",
    ),
    "series-ended": Problem(
        (409,), "The task does not repeat, or its series has ended.", "Nothing: there is no next occurrence."
    ),
    "sign-in-required": Problem(
        (403,),
        "An access token cannot make another secret, which could outlive it.",
        "Use the token of a sign-in, or the account page.",
    ),
    "sign-up-closed": Problem(
        (403,),
        "You have an account, but this workspace takes nobody with your address.",
        "Ask an administrator to invite you.",
    ),
    "task-not-found": Problem((404,), "You have no task with this id.", _NOT_FOUND),
    "too-deep": Problem((422,), "The body is nested more deeply than the API reads.", "Send a flatter one."),
    "too-large": Problem(
        (413,),
        "What would be written is larger than what the table stores, in one item or at once.",
        "Shorten it, or do it in smaller parts.",
    ),
    "too-many": Problem(
        (413, 422),
        "The request has more values, or asks for more things, than one request does.",
        "Do fewer at a time.",
    ),
    "too-many-access-tokens": Problem(
        (409,), "You have as many access tokens as there may be.", "Revoke one that you no longer need."
    ),
    "too-many-exports": Problem(
        (409,), "You have made as many exports today as are kept.", "Use one of them, or wait until tomorrow."
    ),
    "too-many-imports": Problem(
        (409,), "You have begun as many imports today as are kept.", "Wait until tomorrow."
    ),
    "unavailable": Problem(
        (503,),
        "The data store or the warehouse did not answer. Nothing was changed unless you are told so.",
        _AGAIN,
    ),
    "user-not-found": Problem(
        (404,), "The profile is not yours, or is not there yet.", "Use `GET /api/v1/users/me`."
    ),
    "validation": Problem(
        (422,),
        "Fields or parameters are not valid. `errors` has the `field`, a `message` and a stable `code` for each.",
        "Correct them, and send the request again.",
    ),
    "version-conflict": Problem(
        (412,),
        "What you change has changed since you read it, or your condition does not hold for another reason.",
        "Read it again, apply your change to what it is now, and send the new `ETag` in `If-Match`.",
    ),
    "write-contention": Problem(
        (409,), "Others kept changing the same thing at the same moment, and nothing was saved.", _AGAIN
    ),
    "wrong-address": Problem(
        (403,), "The request went around the site's public address.", "Use the address that `detail` names."
    ),
}

_INTRODUCTION = """\
# Errors of the API

Written from `todo_site/api_problems.py` by `make errors`. Every running site shows the same at `/api/docs/errors`.

An error is a problem (RFC 9457) in `application/problem+json`. Act upon its `code`, which is stable, and show its
`detail`, which is for people and may change. `type` is `urn:todo:problem:` with the code, the same at every site;
`docs` leads to the code's description at the site that answered. `instance` is the path, and `request_id` finds the
request in the logs.
"""


def markdown() -> str:
    """Return ``docs/errors.md``."""
    sections = (
        f"## {code}\n\n{', '.join(map(str, problem.statuses))}. {problem.meaning}\n\n{problem.remedy}\n"
        for code, problem in PROBLEMS.items()
    )
    return "\n".join([_INTRODUCTION, *sections])


if __name__ == "__main__":
    print(markdown(), end="")
