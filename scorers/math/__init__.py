"""Mathematics: spellings (`text`), values (`latex`), amounts, and equality (`symbolic`)."""
