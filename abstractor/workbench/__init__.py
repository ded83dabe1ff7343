"""For people who write rules: what a change of rules changes, why a fact was missed, how far a rule and its confidence can be trusted.

It reads notes, gold and decisions, and writes reports; never a decision, never a rule, but for the file of measured confidences.
"""
