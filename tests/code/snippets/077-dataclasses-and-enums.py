from dataclasses import asdict, dataclass, field, replace
from enum import Enum, auto


class Colour(Enum):
    RED = auto()
    GREEN = auto()


@dataclass(order=True)
class Item:
    price: float
    name: str = field(compare=False)
    tags: list[str] = field(default_factory=list, compare=False)
    colour: Colour = field(default=Colour.RED, compare=False)


items = [Item(3.5, "tea"), Item(1.25, "gum", ["sweet"], Colour.GREEN)]
print(sorted(items))
print(asdict(replace(items[0], price=4)))
print(Item(1, "a") == Item(1, "b"), Colour["GREEN"].value)
