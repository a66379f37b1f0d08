"""Widgets: pictures that step and tables that fold, each with its script beside it.

Python simulates once and sends all of it; the browser steps without asking again. What a
widget shows is made by a plain function (``payload``) that needs no widget to be tested, and
has a static twin for pages that run no script.
"""
