"""The target group of a household: the rule alone (001 §1)."""

from decimal import Decimal
from itertools import product

import pytest

from domain.registry.target_group import Facts, group_of

PLAIN = Facts(
    mask="00000", has_card=False, dependants=0, income_per_person=Decimal(200_000), sources=["tpmap"]
)


def made(**changes: object) -> Facts:
    from dataclasses import replace

    return replace(PLAIN, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "group", "sub_group", "reasons"),
    [
        (made(mask="00010", has_card=True), "1", "1a", ["deprived", "has-card"]),
        (made(mask="10010"), "1", "1b", ["deprived", "deprived", "no-card"]),
        # Poor comes first, whatever else applies.
        (made(mask="00001", dependants=2, income_per_person=Decimal(0)), "1", "1b", ["deprived", "no-card"]),
        (made(dependants=1), "2", None, ["dependent-member"]),
        (made(income_per_person=Decimal(100_000)), "2", None, ["low-income"]),
        (
            made(dependants=1, income_per_person=Decimal(1), has_card=True),
            "2",
            None,
            ["dependent-member", "low-income"],
        ),
        (made(income_per_person=Decimal("100000.01")), None, None, ["not-deprived", "in-no-group"]),
        (made(has_card=True), "3", "3a", ["has-card", "not-deprived"]),
        (made(has_card=True, mask=None), "3", "3b", ["has-card", "no-mpi-data"]),
        (made(mask=None, sources=[]), "4", None, ["no-registry"]),
        (made(mask=None, sources=["local", "thaiqm"]), "4", None, ["no-registry"]),
        (made(mask=None, sources=["local", "bmn"]), None, None, ["no-mpi-data", "in-no-group"]),
        (made(income_per_person=None, mask=None), None, None, ["no-mpi-data", "in-no-group"]),
    ],
)
def test_the_first_group_that_applies(
    facts: Facts, group: str | None, sub_group: str | None, reasons: list[str]
) -> None:
    found, part, why = group_of(facts)
    assert (found, part, [reason.code for reason in why]) == (group, sub_group, reasons)


def test_a_part_belongs_to_its_group_and_every_answer_has_a_reason() -> None:
    for mask, card, dependants, income, sources in product(
        (None, "00000", "01000"), (True, False), (0, 1), (None, Decimal(5), Decimal(500_000)), ([], ["tpmap"])
    ):
        group, part, why = group_of(Facts(mask, card, dependants, income, sources))
        assert why
        assert (part is not None) == (group in ("1", "3"))
        assert part is None or group is None or part.startswith(group)
