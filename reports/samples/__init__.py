"""The sample viewer: `section` makes its tab of the page.

`index` says how each sample fared in each run, `texts` what was asked and answered, `geometry` which shapes are
drawn over a picture, `thumbnails` how pictures are packed.
"""

from reports.samples.section import samples_section

__all__ = ["samples_section"]
