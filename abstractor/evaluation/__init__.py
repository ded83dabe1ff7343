"""Figures of agreement: findings against annotated notes, and how far a confidence can be believed. It reads no files and runs no pipeline."""

from abstractor.evaluation.scores import Counts, Error, GoldFact, GoldNote, Scores, Triple, score

__all__ = ["Counts", "Error", "GoldFact", "GoldNote", "Scores", "Triple", "score"]
