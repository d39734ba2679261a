"""Recipes that are rows of the database: what they may contain, which is less than a folder's."""
