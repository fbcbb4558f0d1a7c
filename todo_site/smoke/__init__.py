"""Drives a deployed site from outside, as people's clients do, to see that it works."""
