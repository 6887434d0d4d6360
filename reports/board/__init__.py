"""The overview: `board` makes the table, `leaderboard` its tab of the page, `headline` its sentence.

`metrics` has what a task reports beside its score, `formats` writes the table as JSON, CSV, Markdown or LaTeX,
`published` has the scores of other authors, `tags` what a reader must know about a run.
"""

from reports.board.board import Board, make_board
from reports.board.formats import format_board
from reports.board.leaderboard import board_section

__all__ = ["Board", "board_section", "format_board", "make_board"]
