"""A program of its own that writes decisions until it is done or killed."""

WRITER = """
import sys
from abstractor.model.decision import Action, Decision
from abstractor.model.suggestion import Evidence
from abstractor.registry.decisions import record
from abstractor.registry.engine import open_registry

path, name, patient, count = sys.argv[1:]
registry = open_registry(path)
for number in range(int(count)):
    slot = f"response@{name}-{number}"
    evidence = tuple(Evidence("N1", place, place + 1, "x" * 40) for place in range(20))
    decision = Decision(f"{name}-{number}", patient, slot, Action.IMPORT, name, "2024-05-01T08:00:00+00:00", "response", "PR",
                        evidence=evidence, source="import", reason="r" * 2000)
    record(registry, decision, seen=10**9)
    sys.stdout.write(decision.action_id + "\\n")
    sys.stdout.flush()
"""
"""Says each decision's id as soon as it is told that it is saved."""
