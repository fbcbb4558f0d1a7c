"""What the API says about people."""

from ninja import Schema

from web.api.describe import Examples, path_parameter
from web.api.schemas import ID, OUT, T64, T128, T200, T254, Moment, Version


class UserOut(Schema):
    """A profile. `id` is the person's Cognito `sub`."""

    model_config = OUT
    id: T128
    email: T254 | None
    username: T254
    name: T254
    given_name: T200 | None
    family_name: T200 | None
    timezone: T64 | None
    created_at: Moment
    updated_at: Moment
    version: Version


PROFILE_EXAMPLES: Examples = {"name": ("A name", {"name": "Ada Lovelace", "timezone": "Europe/London"})}
USER_ID = path_parameter("user_id", "Your id", ID, {"type": "string", "minLength": 1, "maxLength": 128})
