"""Slipway's sample pipeline: the words of a text, counted."""
