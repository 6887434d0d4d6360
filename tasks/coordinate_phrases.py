"""How to ask for boxes and points in each coordinate convention: the one home of these phrases.

A model is asked in the convention that it writes (`--coords`), also where a data set's own text asks for
another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from scorers.types import Coords
from tasks.prompts import DEFAULT_TEMPLATE

_CORNERS = 'Answer with JSON: {"bbox_2d": [x1, y1, x2, y2]}, the top left and the bottom right corner '

BOX: Mapping[Coords, str] = {
    "abs": f"{_CORNERS}in pixels of the image.",
    "norm1": f"{_CORNERS}as fractions of the image's width and height, between 0 and 1.",
    "norm100": f"{_CORNERS}in percent of the image's width and height, between 0 and 100.",
    "norm1000": f"{_CORNERS}as integers between 0 and 1000, relative to the image's width and height.",
    "yx1000": 'Answer with JSON: {"box_2d": [ymin, xmin, ymax, xmax]}, as integers between 0 and 1000, '
    "relative to the image's height and width.",
    "loc1024": "Answer with four location tokens, <locYYYY><locXXXX><locYYYY><locXXXX>, for the top left and "
    "the bottom right corner.",
    "loc1000": "Answer with four location tokens, <loc_X><loc_Y><loc_X><loc_Y>, for the top left and the "
    "bottom right corner.",
}

POINTS: Mapping[Coords, str] = {
    "abs": 'Answer with JSON: [{"point_2d": [x, y]}], where x and y are in pixels of the image.',
    "norm1": "Your answer should be formatted as a list of tuples, i.e. [(x1, y1)], where each tuple contains "
    "the x and y coordinates of a point satisfying the conditions above. The coordinates should be between 0 "
    "and 1, indicating the normalized pixel locations of the points in the image.",
    "norm100": 'Answer with JSON: [{"point_2d": [x, y]}], where x and y are in percent of the image\'s width '
    "and height, between 0 and 100.",
    "norm1000": 'Answer with JSON: [{"point_2d": [x, y]}], where x and y are integers between 0 and 1000, '
    "relative to the image's width and height.",
    "yx1000": 'Answer with JSON: [{"point": [y, x]}], where y and x are integers between 0 and 1000, relative '
    "to the image's height and width.",
    "loc1024": "Answer with two location tokens for each point: <locYYYY><locXXXX>.",
    "loc1000": "Answer with two location tokens for each point: <loc_X><loc_Y>.",
}
"""`norm1` is RefSpatial-Bench's own suffix."""


def prompt_template(phrases: Mapping[Coords, str]) -> str:
    """The default prompt, its instruction replaced by the phrase of the declared convention.

    Where no convention is declared, or the sample's meta has `coordinates` false, the sample's own
    instruction stays.
    """
    table = json.dumps(phrases, ensure_ascii=False)
    choose = (
        f"{{%- set asked = {table} -%}}"
        "{%- if coordinates and coords -%}{%- set instruction = asked[coords] -%}{%- endif -%}\n"
    )
    return choose + DEFAULT_TEMPLATE
