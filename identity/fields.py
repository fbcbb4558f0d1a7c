"""Validation of a profile's fields."""

from typing import Annotated, Any

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from store.validation import STRICT, Blank, Email, Name, Timezone


@with_config(STRICT)
class ProfileChanges(TypedDict, total=False):
    """A partial update of a profile."""

    email: Annotated[Email | None, Blank]
    username: Name
    name: Name
    given_name: Annotated[Name | None, Blank]
    family_name: Annotated[Name | None, Blank]
    timezone: Annotated[Timezone | None, Blank]


PROFILE_CHANGES: TypeAdapter[Any] = TypeAdapter(ProfileChanges)
