"""Nothing of the site is used here; ``cases.py`` runs with settings of its own."""
