"""Operations on families and their people, each one act that can be undone: births, deaths, splits, merges, moves, numbers."""

from slrt_api.flows.lineage.families import merge, move, split
from slrt_api.flows.lineage.numbers import correct_nik, family_card
from slrt_api.flows.lineage.undo import undo
from slrt_api.flows.lineage.vital import birth, death

__all__ = ["birth", "correct_nik", "death", "family_card", "merge", "move", "split", "undo"]
