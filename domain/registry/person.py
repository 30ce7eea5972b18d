"""A person: the draft a partner sends, and the value it reads back, masked by its rights (contract 4)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from domain.kernel import Line, Money, Value
from domain.registry import citizen_id as ids


class Sex(StrEnum):
    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


class VitalStatus(StrEnum):
    ALIVE = "alive"
    DECEASED = "deceased"
    UNKNOWN = "unknown"


class WelfareCard(StrEnum):
    HAS_CARD = "has_card"
    NO_CARD = "no_card"
    UNKNOWN = "unknown"


class NoIdReason(StrEnum):
    """Why a person is recorded without a citizen id."""

    NOT_REGISTERED = "not_registered"
    NEWBORN = "newborn"
    STATELESS = "stateless"
    FOREIGNER = "foreigner"
    NOT_KNOWN = "not_known"
    REFUSED = "refused"


CitizenIdText = Annotated[str, AfterValidator(ids.normalise), Field(min_length=13, max_length=40)]
"""13 digits with a valid check digit; Thai digits, spaces and dashes are accepted."""
Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 \-]{7,18}$")]


class PersonFields(Value):
    """What may be said of a person, apart from the citizen id."""

    prefix: Line | None = None
    """Title before the name, e.g. นาย นาง นางสาว เด็กชาย."""
    first_name: Line
    last_name: Line | None = None
    sex: Sex = Sex.UNKNOWN
    birth_date: date | None = None
    vital_status: VitalStatus = VitalStatus.ALIVE
    deceased_on: date | None = None
    welfare_card: WelfareCard = WelfareCard.UNKNOWN
    disabilities: Annotated[list[Line], Field(max_length=20)] = []
    bedridden: bool | None = None
    able_to_work: bool | None = None
    occupation: Line | None = None
    annual_income: Money | None = None
    """Baht a year."""
    phone: Phone | None = None


class PersonDraft(PersonFields):
    """A person to be registered."""

    citizen_id: CitizenIdText | None = None
    no_id_reason: NoIdReason | None = None
    """Required where `citizen_id` is null."""

    @model_validator(mode="after")
    def _identified(self) -> "PersonDraft":
        if (self.citizen_id is None) == (self.no_id_reason is None):
            raise ids.reason_error(given=self.citizen_id is not None)
        return self


class PersonPatch(PersonFields):
    """Merge patch of a person: absent keeps, null clears."""

    first_name: Line = ""
    citizen_id: CitizenIdText | None = None
    no_id_reason: NoIdReason | None = None


class Person(Value):
    """A person as the caller may see one."""

    id: UUID
    household_id: UUID
    citizen_id: str | None
    """Without `persons:pii` masked to its last three digits: `x-xxxx-xxxxx-12-3`."""
    no_id_reason: NoIdReason | None
    prefix: str | None
    first_name: str
    last_name: str | None
    """Without `persons:pii` its first letter."""
    sex: Sex
    birth_date: date | None
    """Null without `persons:pii`; `age` is always given."""
    age: int | None
    """Full years today, or at death."""
    vital_status: VitalStatus
    deceased_on: date | None
    welfare_card: WelfareCard
    disabilities: list[str]
    bedridden: bool | None
    able_to_work: bool | None
    occupation: str | None
    annual_income: Money | None
    phone: str | None
    """Null without `persons:pii`."""
    version: int
    created_at: datetime
    updated_at: datetime
