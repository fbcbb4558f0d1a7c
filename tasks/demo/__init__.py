"""The demo workspace: a made-up company's people, their tasks and half a year of history.

``storyline`` generates the history from a seed and an end time, without AWS; ``loader`` writes it through the
product's own services.
"""
