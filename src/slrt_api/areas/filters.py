"""Filter and sort by place, the same for every resource that has one."""

from slrt_api.areas import codes
from slrt_api.runtime.shapes import Filter, Sort


def _range(text: str) -> list[int]:
    return list(codes.area_range(text))


AREA_FILTER = Filter(
    "area_code",
    "{t}.area BETWEEN ({v}::bigint[])[1] AND ({v}::bigint[])[2]",
    _range,
    "In this area or below: a Kemendagri code of any level; matches whole segments.",
    "33.26",
    pattern=codes.PATTERN,
)
AREA_SORT = Sort("area_code", "{t}.area", "bigint", int)
