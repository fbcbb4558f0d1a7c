"""The demo workspace: a made-up company's people, their tasks and half a year of history.

``storyline`` makes the history from a seed and an instant, and knows nothing of AWS;
``loader`` plays it through the product's own services.
"""
