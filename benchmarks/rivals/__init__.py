"""Other ways to read notes, each a program of its own that can run under an interpreter of its own.

One takes on standard input a line of JSON with its terms, then a text a line; it answers with one line of JSON (`measure.py`). Texts go through pipes
and never into files.
"""
