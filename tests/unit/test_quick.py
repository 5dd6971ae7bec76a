"""What is quick to make is what the plain frozen dataclass would be."""

from collections.abc import Mapping
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from pickle import dumps, loads

import pytest

from capd import model
from capd.quick import quick
from capd.quick import replace as quickly_replaced


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """One with each kind of field."""

    name: str
    metres: int = 5
    labels: Mapping[str, str] = field(default_factory=dict)
    colour: str = field(default="grey", compare=False)


def test_it_takes_the_same_words_and_has_the_same_defaults():
    cable = Cable(name="mast")
    assert (cable.name, cable.metres, cable.labels, cable.colour) == ("mast", 5, {}, "grey")
    assert cable.labels is not Cable(name="mast").labels
    assert Cable(name="a", labels={"to": "roof"}).labels == {"to": "roof"}
    assert repr(cable) == "Cable(name='mast', metres=5, labels={}, colour='grey')"
    assert type(cable) is Cable
    with pytest.raises(TypeError, match="name"):
        Cable()
    with pytest.raises(TypeError, match="mertes"):
        Cable(name="mast", mertes=3)
    with pytest.raises(TypeError):
        Cable("mast")


def test_it_is_frozen_and_equal_and_copied_as_any_other():
    cable = Cable(name="mast")
    for one in (cable, copy(cable), deepcopy(cable), loads(dumps(cable)), replace(cable)):
        assert one == cable
        with pytest.raises(FrozenInstanceError):
            one.name = "roof"
        with pytest.raises(FrozenInstanceError):
            del one.name
        with pytest.raises((AttributeError, TypeError)):
            one.length = 3
    assert replace(cable, metres=6) == Cable(name="mast", metres=6, colour="red")


def test_changing_some_fields_is_quick_as_well_and_leaves_the_old_one_alone():
    cable = Cable(name="mast", colour="red")
    longer = quickly_replaced(cable, metres=9)
    assert (type(longer), longer, longer.colour) == (Cable, replace(cable, metres=9), "red")
    assert cable.metres == 5
    with pytest.raises(FrozenInstanceError):
        longer.metres = 3
    with pytest.raises(AttributeError):
        quickly_replaced(cable, mertes=9)


@pytest.mark.parametrize(
    "kind", [model.Standing, model.Event, model.Reading, model.Part, model.Usage]
)
def test_the_quick_ones_are_no_less_frozen(kind):
    made = kind(**{one.name: None for one in fields(kind) if one.init})
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(kind)[0].name, 1)
