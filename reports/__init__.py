"""Leaderboards and sample viewers from finished runs."""
