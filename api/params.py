"""Parameters that several routes take."""

from typing import Annotated

from fastapi import Path, Query

MAX_LIMIT = 1000
_ID = r"^[A-Za-z0-9_.:@-]{1,128}$"

Id = Annotated[str, Path(pattern=_ID, description="letters, digits and _.:@-")]
QueryId = Annotated[str | None, Query(pattern=_ID)]
NeededId = Annotated[str, Query(pattern=_ID)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Amount = Annotated[int | None, Query(ge=0, le=MAX_LIMIT)]  # None: no limit
Offset = Annotated[int, Query(ge=0)]
ChatId = Annotated[str | None, Query(min_length=1, max_length=256)]
