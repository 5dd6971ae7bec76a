"""Files become models, or every mistake in them at once, in words."""

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from capd.errors import ConfigError
from capd.strict import did_you_mean, parse, read_json, read_toml


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    interval_s: int = Field(default=1, ge=1, le=60)
    password: SecretStr | None = None


class Up(BaseModel):
    model_config = ConfigDict(extra="forbid")
    do: Literal["up"]
    fee: Decimal


class Down(BaseModel):
    model_config = ConfigDict(extra="forbid")
    do: Literal["down"]


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    side: Literal["in", "out"] = "in"
    colour: Colour = Colour.RED
    inner: Inner = Inner()
    rows: tuple[Inner, ...] = ()
    step: Up | Down | None = Field(default=None, discriminator="do")
    either: int | str | None = None


def problems(data: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as told:
        parse(Outer, data, source="f.toml")
    return told.value.problems


def test_all_mistakes_are_told_at_once_with_key_and_guess():
    data = {
        "side": "inn",
        "colour": "grean",
        "inner": {"intervall_s": 3},
        "rows": [{}, {"interval_s": 99}, {"interval_s": "x"}],
        "coulour": 1,
    }
    assert problems(data) == (
        "f.toml: name: is missing",
        "f.toml: side: wants 'in' or 'out', not 'inn'. Did you mean 'in'?",
        "f.toml: colour: wants 'red' or 'green', not 'grean'. Did you mean 'green'?",
        "f.toml: inner.intervall_s: unknown key. Did you mean 'interval_s'?",
        "f.toml: rows[1].interval_s: wants at most 60, not 99",
        "f.toml: rows[2].interval_s: wants a whole number, not 'x'",
        "f.toml: coulour: unknown key. Did you mean 'colour'?",
    )


@pytest.mark.parametrize("value", [True, 1.5, "1"])
def test_nothing_is_bent_into_a_whole_number(value):
    assert problems({"name": "n", "inner": {"interval_s": value}})


def test_a_choice_of_tables_names_the_key_inside_without_the_choice():
    told = problems({"name": "n", "step": {"do": "up", "fee": "x", "fe": 1}})
    assert told == (
        "f.toml: step.fee: wants a number such as \"25.00\", not 'x'",
        "f.toml: step.fe: unknown key. Did you mean 'fee'?",
    )
    assert problems({"name": "n", "step": {"do": "upp"}}) == (
        "f.toml: step: wants 'up' or 'down', not 'upp'. Did you mean 'up'?",
    )
    assert problems({"name": "n", "step": {}}) == ("f.toml: step: do is missing",)


def test_a_wrong_value_of_a_secret_is_not_echoed():
    told = "\n".join(
        problems({"name": "n", "inner": {"password": ["hunter2"]}, "rows": ["hunter2"]})
    )
    assert "f.toml: inner.password: wants text, not a list" in told
    assert "hunter2" not in told


def test_a_url_with_a_password_is_not_echoed():
    assert "hunter2" not in "".join(problems({"name": "n", "side": "smtp://u:hunter2@h"}))


def test_a_number_without_end_is_no_number(tmp_path):
    path = tmp_path / "f.toml"
    path.write_text("[inner]\ninterval_s = inf\n")
    with pytest.raises(ConfigError, match=r"f\.toml: inner\.interval_s: wants a finite number"):
        parse(Outer, read_toml(path), source=str(path))


def test_text_only_files_may_write_numbers_as_text():
    row = parse(Inner, {"interval_s": "5"}, source="f.csv", texts=True)
    assert row.interval_s == 5


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = \n", "f.toml: line 1, column 5: invalid value"),
        ("a = 1\na = 2\n", "f.toml: line 2, column 6: cannot overwrite a value"),
    ],
)
def test_a_slip_in_toml_names_line_and_column(tmp_path, text, line):
    path = tmp_path / "f.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        read_toml(path)
    assert str(told.value) == f"{tmp_path}/{line}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": }', "line 1, column 7: expecting value"),
        ('{"a": 1, "a": 2}', "key given twice in one object: 'a'"),
        ('{"a": NaN}', "NaN is not a number"),
        ("[" * 100_000, "is nested too deeply, or has a number too long"),
        ('{"a": ' + "9" * 5000 + "}", "is nested too deeply, or has a number too long"),
    ],
)
def test_a_slip_in_json_is_one_line(tmp_path, text, line):
    path = tmp_path / "f.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        read_json(path)
    assert told.value.problems == (f"{path}: {line}",)


def test_what_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "latin").write_bytes(b"name = \xe9")
    for name, why in (
        ("none", "no such file"),
        (".", "is a directory, not a file"),
        ("latin", "is not UTF-8 text (byte 7)"),
    ):
        with pytest.raises(ConfigError) as told:
            read_toml(tmp_path / name)
        assert told.value.problems == (f"{tmp_path / name}: {why}",)
    with pytest.raises(ConfigError, match="is not the name of a file"):
        read_toml(Path("a\0b"))


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "f.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(path) == {"a": 1}


def test_a_guess_is_made_only_when_it_is_near():
    assert did_you_mean("S-10", ["S-1", "X"]) == " Did you mean 'S-1'?"
    assert did_you_mean("q", ["S-1", "X"]) == ""
