"""Training with the benchmarks' own scorers as rewards. No scoring code lives here."""
