"""Whether the registry can be believed: audits, double abstraction, adjudication, agreement. Numbers and rules of the work; no screen."""
