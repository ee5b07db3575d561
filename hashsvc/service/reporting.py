"""Reports of what was decided."""

import datetime

from hashsvc.bank import records
from hashsvc.errors import InvalidInputError
from hashsvc.report.counting import count
from hashsvc.report.model import TransparencyReport
from hashsvc.service.base import Base


class Reporting(Base):
    """The part of the service that gives account to the public."""

    def report(self, since: datetime.datetime, until: datetime.datetime | None = None) -> TransparencyReport:
        """Count what was decided from `since` on and before `until`, without it until now.

        Reads the whole decision log. Raises InvalidInputError FIELD_INVALID for a period that is none.
        """
        end = until or records.now()
        for name, moment in (("since", since), ("until", end)):
            if moment.tzinfo is None:
                raise InvalidInputError("FIELD_INVALID", f"{name} has no time zone", field=name)
        if since >= end:
            raise InvalidInputError("FIELD_INVALID", f"until, {end}, is not after since, {since}", field="until")
        return count(self._store, since.astimezone(datetime.UTC), end.astimezone(datetime.UTC))
