"""What each visual token of a scene shows: the labels that the vision part is trained on."""

from dataclasses import dataclass

import numpy as np

from scripts.nano import drawing
from scripts.nano.colors import NAMES
from scripts.nano.world import SHAPES, Scene

#: Label of positions that the loss ignores.
IGNORE = -100


@dataclass(frozen=True)
class Cells:
    """What each visual token shows; (batch, cells) but for the last two, (batch,)."""

    what: np.ndarray  #: 0 background, 1.. the shapes in order, IGNORE where an edge barely touches
    color: np.ndarray  #: index of the shape's color, IGNORE off shapes
    rank: np.ndarray  #: place of the shape counted from the left, 0 for background
    background: np.ndarray  #: index of the background color
    count: np.ndarray  #: number of shapes


def cell_labels(
    scene: Scene, rows: int, columns: int, fine: int = 7
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels `what`, `color` and `rank` of a scene's cells, each (rows * columns,)."""
    owners = drawing.owner_map(scene, rows * fine, columns * fine).reshape(rows, fine, columns, fine)
    what, color, rank = (np.zeros((rows, columns), np.int64) for _ in range(3))
    color[:] = IGNORE
    best = np.full((rows, columns), 0.12)
    touched = (owners > 0).mean(axis=(1, 3)) > 0.03
    what[touched], rank[touched] = IGNORE, IGNORE
    for place, shape in enumerate(scene.shapes, start=1):
        cover = (owners == place).mean(axis=(1, 3))
        mine = (cover >= best) | (cover == cover.max())  # even the smallest shape gets a cell
        best = np.maximum(best, cover)
        what[mine], rank[mine] = 1 + list(SHAPES).index(shape.kind), place
        color[mine] = NAMES.index(shape.color)
    return what.ravel(), color.ravel(), rank.ravel()
