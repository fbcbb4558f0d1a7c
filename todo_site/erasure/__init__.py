"""Erasing a person: their account, their items in the table, and their copies in the lake."""
