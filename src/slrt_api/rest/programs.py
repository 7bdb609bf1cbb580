"""Routes of programs."""

from slrt_api.programs.shapes import PROGRAM
from slrt_api.rest.operations import Routes

TAG = "Programs"


def add(routes: Routes) -> None:
    routes.read(PROGRAM, tag=TAG)
