"""Schemas of people in the API."""

from ninja import Schema

from identity.fields import Weekday
from web.api.describe import Examples, path_parameter
from web.api.schemas import ID, T64, T128, T200, T254, Moment, Version, out

_USER_EXAMPLE = {
    "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "email": "ada@example.com",
    "username": "ada",
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "timezone": "Europe/London",
    "first_day_of_week": None,
    "created_at": "2026-11-22T17:20:00.123456Z",
    "updated_at": "2026-11-22T17:20:00.123456Z",
    "version": 1,
}


class UserOut(Schema):
    """A profile. `id` is the person's Cognito `sub`."""

    model_config = out(_USER_EXAMPLE)
    id: T128
    email: T254 | None
    username: T254
    name: T254
    given_name: T200 | None
    family_name: T200 | None
    timezone: T64 | None
    first_day_of_week: Weekday | None
    created_at: Moment
    updated_at: Moment
    version: Version


PROFILE_EXAMPLES: Examples = {"name": ("A name", {"name": "Ada Lovelace", "timezone": "Europe/London"})}
USER_ID = path_parameter("user_id", "Your id", ID, {"type": "string", "minLength": 1, "maxLength": 128})
