"""The breakdown: scores by subject or question type, outcomes, and chosen options.

`groups` has what each task's results report by group, `outcomes` reads verdicts and letters from a run's files,
`section` makes the tab of the page.
"""

from reports.breakdown.section import breakdown_section

__all__ = ["breakdown_section"]
