"""Seeded random problems of allocation, of every kind of constraint."""

from random import Random
from typing import Any

from multicloud.decide.place.problem import Problem, Survival
from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Loss, Strategy

CLOUDS = ("aws", "azure", "gcp")


def choice(random: Random, name: str, *, most: int) -> Choice:
    """A member of any kind; its bounds span at most so many steps."""
    cloud = random.choice(CLOUDS)
    step = random.choice([1, 1, 2, 3]) if cloud == "gcp" else 1
    first = random.choice([0, 0, 0, 1, 2]) * step
    last = first + random.randint(0, most) * step
    present = random.randint(0, last + 2)
    draining = random.random() < 0.07
    stays = first <= present <= last and present % step != 0
    return Choice(
        name=name,
        units=random.choice([1, 1, 1, 2, 3, 4, 8, 16, 64, 1024]) if random.random() < 0.9 else random.randint(1, 1024),
        step=step,
        first=0 if draining else first,
        last=last,
        also=present if stays else None,
        present=present,
        weight=random.choice([0, 1, 1, 2, 3, 7]),
        priority=random.randint(0, 2),
        draining=draining,
        cloud=cloud,
        region=f"{cloud}-{random.randint(1, 2)}",
        spot=random.random() < 0.4,
        price=_price(random),
    )


def _price(random: Random) -> int | None:
    """Ten-thousandths: mostly ordinary, now and then free, the smallest, the largest, or unknown."""
    draw = random.random()
    if draw < 0.04:
        return None
    return random.choice([0, 1, 10_000_000]) if draw < 0.12 else random.randint(100, 50_000)


def problem(seed: int, *, members: int, most: int) -> Problem:
    """A problem with so many members, fixed ones among them, and a random part of all rules."""
    random = Random(seed)  # noqa: S311  (repeatable problems, nothing secret)
    every = [choice(random, f"m{number:03}", most=most) for number in range(members)]
    fixed = [one for one in every[1:] if random.random() < 0.1]
    choices = [one for one in every if one not in fixed]
    room = sum(one.highest * one.units for one in choices) + sum(one.present * one.units for one in fixed)
    desired = int(room * random.choice([0.0, 0.1, 0.3, 0.5, 0.7, 1.0, 1.2]))
    minimum = int(desired * random.choice([0.0, 0.5, 1.0]))
    maximum = int(desired * random.choice([1.0, 1.1, 1.5, 2.0]))
    rules: dict[str, Any] = {}
    survivals = [
        Survival(loss=loss, units=-(-desired * random.choice([20, 50, 66, 100]) // 100))
        for loss in Loss
        if random.random() < 0.5
    ]
    if random.random() < 0.4:
        rules["on_demand"] = int(desired * random.choice([0.2, 0.6, 1.0]))
    if random.random() < 0.4:
        rules["spot"] = int(desired * random.choice([0.0, 0.3, 0.6]))
    if random.random() < 0.4:
        dear = sum((one.price or 0) * one.highest for one in choices)
        rules["ceiling"] = int(dear * random.choice([0.0, 0.1, 0.3, 0.6, 1.0]))
    strategy = random.choice([Strategy.COST, Strategy.COST, Strategy.WEIGHTED, Strategy.PRIORITY])
    return Problem(
        strategy=strategy,
        minimum=minimum,
        desired=desired,
        maximum=maximum,
        choices=tuple(choices),
        fixed=tuple(_alone(one) for one in fixed),
        survivals=tuple(survivals),
        spread_only=random.random() < 0.1,
        stays=strategy is Strategy.COST and random.random() < 0.3,
        **rules,
    )


def _alone(one: Choice) -> Choice:
    return Choice(
        name=one.name,
        units=one.units,
        first=one.present,
        last=one.present,
        present=one.present,
        draining=one.draining,
        cloud=one.cloud,
        region=one.region,
        spot=one.spot,
        price=one.price,
    )
