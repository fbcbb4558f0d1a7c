"""Smoke tests: use a deployed site through its API, as its clients do."""
