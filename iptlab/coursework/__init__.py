"""Coursework: a class's notebooks read and graded, without running anything in them."""
