"""Abstractor: an NLP-assisted abstraction tool for a registry of small-cell lung cancer."""

from abstractor.api import Abstractor
from abstractor.model.note import Note

__all__ = ["Abstractor", "Note"]
