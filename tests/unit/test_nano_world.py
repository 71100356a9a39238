"""The data that `nano` is trained and measured on: colors, scenes, drawing, answers."""

import random

import numpy as np
import pytest

from scripts.nano import cells, colors, drawing, questions, world
from scripts.nano.world import Scene, Shape

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
TRIANGLE = ((0.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
SQUARE = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))

NOTHING = Scene(200, 100, "red", RED)
ONE = Scene(200, 100, "white", WHITE, (Shape("circle", "red", RED, 50, 50, 20),))
TWO = Scene(200, 100, "white", WHITE, (*ONE.shapes, Shape("square", "blue", BLUE, 150, 50, 20, SQUARE)))
THREE = Scene(
    300, 100, "orange", (255, 165, 0), (*TWO.shapes, Shape("circle", "blue", BLUE, 250, 50, 20))
)  # fmt: skip


def scenes(count: int, limits: world.Limits = world.TRAINING) -> list[Scene]:
    rng = random.Random(3)
    return [world.sample_scene(rng, world.sample_size(rng, limits), limits) for _ in range(count)]


@pytest.mark.parametrize("name", colors.NAMES)
def test_an_anchor_is_called_by_its_own_name_beyond_doubt(name):
    for anchor in colors.BY_NAME[name].anchors:
        nearest, margin = colors.nearest_name(anchor)
        assert nearest == name
        assert margin == pytest.approx(1.0)


def test_the_margin_falls_to_nothing_between_two_names():
    assert colors.nearest_name((255, 0, 0))[1] == pytest.approx(1.0)
    _, margins = colors.name_all(np.linspace((255, 0, 0), (0, 0, 255), 200))
    assert margins.min() < 0.02


def test_sampled_colors_have_the_name_that_was_asked_for_and_it_is_clear():
    rng = random.Random(1)
    for name in colors.NAMES:
        for _ in range(30):
            called, margin = colors.nearest_name(colors.sample_rgb(rng, name))
            assert called == name
            assert margin >= colors.CLEAR_MARGIN


@pytest.mark.parametrize("limits", [world.TRAINING, world.MEASURED], ids=["training", "measured"])
def test_shapes_stand_from_left_to_right_inside_the_image_and_apart(limits):
    for scene in scenes(200, limits):
        middles = [shape.cx for shape in scene.shapes]
        assert middles == sorted(set(middles))
        for index, shape in enumerate(scene.shapes):
            assert shape.radius <= shape.cx <= scene.width - shape.radius
            assert shape.radius <= shape.cy <= scene.height - shape.radius
            for other in scene.shapes[:index]:
                apart = max(abs(shape.cx - other.cx), abs(shape.cy - other.cy))
                assert apart > shape.radius + other.radius


def test_a_shape_never_has_the_name_of_its_background():
    for scene in scenes(200):
        assert scene.background not in {shape.color for shape in scene.shapes}


def test_scenes_follow_from_the_seed():
    assert scenes(20) == scenes(20)


@pytest.mark.parametrize("paint", [drawing.draw_vector, lambda scene: drawing.draw_mask(scene, 1.0, 1.0)])
def test_both_ways_of_drawing_put_shapes_where_the_scene_says(paint):
    image = paint(TWO)
    assert image.size == (200, 100)
    assert image.getpixel((50, 50)) == RED
    assert image.getpixel((150, 50)) == BLUE
    assert image.getpixel((100, 50)) == WHITE


def test_a_mask_leaves_out_the_corners_that_a_triangle_does_not_fill():
    scene = Scene(100, 100, "white", WHITE, (Shape("triangle", "red", RED, 50, 50, 40, TRIANGLE),))
    image = drawing.draw_mask(scene, 1.0, 1.0)
    assert image.getpixel((50, 60)) == RED
    assert image.getpixel((15, 15)) == WHITE
    assert image.getpixel((85, 15)) == WHITE


def test_a_large_scene_is_drawn_smaller_when_pixels_are_limited():
    image = drawing.draw(Scene(1600, 1200, "red", RED), random.Random(1), max_pixels=200 * 200)
    assert image.width * image.height == pytest.approx(200 * 200, rel=0.02)
    assert image.width / image.height == pytest.approx(4 / 3, rel=0.02)


def test_every_shape_owns_a_cell_of_the_labels():
    for scene in scenes(100):
        what, color, rank = cells.cell_labels(scene, 5, 5)
        assert set(rank) - {0, cells.IGNORE} == set(range(1, len(scene.shapes) + 1))
        assert ((what > 0) == (color >= 0)).all()


@pytest.mark.parametrize(
    ("scene", "english", "chinese"),
    [
        (NOTHING, "A solid red image.", "一张纯红色的图片。"),
        (ONE, "A red circle on a white background.", "白色背景上有一个红色圆形。"),
        (
            TWO,
            "A red circle and a blue square on a white background.",
            "白色背景上有一个红色圆形和一个蓝色正方形。",
        ),
        (
            THREE,
            "A red circle, a blue square and a blue circle on an orange background.",
            "橙色背景上有一个红色圆形、一个蓝色正方形和一个蓝色圆形。",
        ),
    ],
)
def test_a_description_names_every_shape_from_left_to_right(scene, english, chinese):
    assert questions.answer(scene, "describe", "en") == english
    assert questions.answer(scene, "describe", "zh") == chinese


@pytest.mark.parametrize(
    ("scene", "english", "chinese"),
    [
        (NOTHING, "There are no shapes.", "没有图形。"),
        (ONE, "There is one shape.", "有一个图形。"),
        (TWO, "There are two shapes.", "有两个图形。"),
        (THREE, "There are three shapes.", "有三个图形。"),
    ],
)
def test_shapes_are_counted(scene, english, chinese):
    assert questions.answer(scene, "count", "en") == english
    assert questions.answer(scene, "count", "zh") == chinese


@pytest.mark.parametrize(
    ("scene", "english", "chinese"),
    [
        (NOTHING, "There are no shapes.", "没有图形。"),
        (ONE, "A circle.", "圆形。"),
        (TWO, "A circle and a square.", "圆形和正方形。"),
        (THREE, "A circle, a square and a circle.", "圆形、正方形和圆形。"),
    ],
)
def test_shapes_are_listed_each_by_itself(scene, english, chinese):
    assert questions.answer(scene, "shapes", "en") == english
    assert questions.answer(scene, "shapes", "zh") == chinese


def test_a_background_and_a_shape_have_a_color():
    assert questions.answer(ONE, "background", "en") == "White."
    assert questions.answer(ONE, "background", "zh") == "白色。"
    assert questions.answer(TWO, "color", "en", "square") == "Blue."
    assert questions.answer(TWO, "color", "zh", "square") == "蓝色。"


def test_a_shape_that_is_not_there_has_no_color():
    assert questions.answer(ONE, "color", "en", "square") == "There is no square."
    assert questions.answer(ONE, "color", "zh", "square") == "没有正方形。"


def test_a_color_is_asked_for_only_where_one_shape_is_meant():
    assert questions.single_shapes(THREE) == ["square"]
    assert questions.absent_shapes(THREE) == ["triangle"]


def test_every_kind_of_question_has_several_wordings_in_both_languages():
    for kind in questions.KINDS:
        for language in questions.LANGUAGES:
            wordings = questions.WORDINGS[kind, language]
            assert len(set(wordings)) == len(wordings) >= 5


def test_a_wording_names_the_shape_in_its_own_language():
    rng = random.Random(1)
    english = questions.ask(TWO, rng, "color", "en", shape="square", wording=0)
    chinese = questions.ask(TWO, rng, "color", "zh", shape="square", wording=0)
    assert english.text == "What color is the square?"
    assert chinese.text == "正方形是什么颜色？"
