"""The benchmarks' own published rules, quirks included, for `Score.official`. One file a script."""
