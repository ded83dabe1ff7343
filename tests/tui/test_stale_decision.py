"""Two people at one patient: the key that comes too late is refused, and both values stand in the footer."""

from abstractor.registry.leases import claim
from abstractor.review.session import Session


async def test_a_decision_on_what_somebody_else_has_decided_is_told_with_both_values(opened, registry, book):
    async with opened() as hand:
        claim(registry, "TOUR-01", "bob", take_over=True, supervisor=True)
        theirs = Session(registry, book, "TOUR-01", "bob", lambda: "2024-03-01T20:00:00.000+00:00")
        theirs.pick(hand.slot, 1)
        await hand.press("2")
        told = " not saved: bob decided combined_small_cell meanwhile, you small_cell; look, and decide again"
        assert hand.line() == told
        assert [one.decided_by for one in hand.decisions] == ["bob"]
        hand.review._beat()  # the lease is looked after, and gone
        await hand.settle()
        assert hand.line() == told
        assert hand.line("header").strip().startswith("READ ONLY: bob")
