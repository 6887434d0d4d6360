"""The rules of the benchmarks: from what was read to a score."""
