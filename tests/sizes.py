"""How much a randomized test tries: little in `make test`, the numbers that the issues name in `make soak`."""

import os


def size(small: int, soak: int) -> int:
    """`soak` when `SLRT_TEST_SIZE=soak`, else `small`; another value fails, lest a typing error shrink a soak."""
    chosen = os.environ.get("SLRT_TEST_SIZE", "small")
    return {"small": small, "soak": soak}[chosen]
