"""What nodes cost. The one door through which a price gets into placing: a further source of prices opens here.

Outside the program money is Decimal and exact. Inside, a price is a whole number of ten-thousandths of the currency,
rounded half to even: two prices that differ by less may count as equal.
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Final

from multicloud.model.spec import MemberSpec

SCALE: Final = Decimal(10_000)


def price_of(member: MemberSpec, currency: str) -> Decimal | None:
    """What one node costs in an hour; None where nobody told it, or only in another currency."""
    price = member.price
    return price.amount if price is not None and price.currency == currency else None


def scaled_price(member: MemberSpec, currency: str) -> int | None:
    """The price in ten-thousandths. One that rounds to nothing counts as the smallest there is: only "0" is free."""
    price = price_of(member, currency)
    if price is None:
        return None
    whole = int((price * SCALE).to_integral_value(ROUND_HALF_EVEN))
    return max(1, whole) if price > 0 else 0


def scaled_ceiling(amount: Decimal) -> int:
    """An amount that must not be passed, in ten-thousandths, rounded down."""
    return int((amount * SCALE).to_integral_value(ROUND_DOWN))
