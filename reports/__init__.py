"""Pages made from finished runs: leaderboard, samples, comparison, training.

`runs` reads run folders, each room makes one tab of the page, `build` puts the tabs together and `page` writes
the file. `server` is `harness view`, which makes reports of a `folder` when they are opened.
"""
