"""Validation of a profile's fields."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from store.validation import STRICT, Blank, Email, Name, Timezone

_OF_SIGN_IN = "As it is at your sign-in: over the API it cannot be changed"


_FIRST_DAY = "Of the calendar; `null`: the workspace's"
Weekday = Literal["monday", "saturday", "sunday"]


@with_config(STRICT)
class ProfileChanges(TypedDict, total=False):
    """A partial update of a profile."""

    email: Annotated[Email | None, Blank, Field(description=_OF_SIGN_IN)]
    username: Annotated[Name, Field(description=_OF_SIGN_IN)]
    name: Name
    given_name: Annotated[Name | None, Blank]
    family_name: Annotated[Name | None, Blank]
    timezone: Annotated[Timezone | None, Blank]
    first_day_of_week: Annotated[Weekday | None, Blank, Field(description=_FIRST_DAY)]


PROFILE_CHANGES: TypeAdapter[Any] = TypeAdapter(ProfileChanges)
