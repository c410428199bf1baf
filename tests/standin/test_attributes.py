"""What the claims do: attributes."""

from __future__ import annotations

import json

import pytest

from example_project.standin.attributes import REGISTERED, java_text, user_attributes


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("true", "true"),
        ("false", "false"),
        ("42", "42"),
        ("-7", "-7"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("3.0", "3.0"),
        ("0.1", "0.1"),
        ("0.0", "0.0"),
        ("-0.0", "-0.0"),
        ("0.001", "0.001"),
        ("0.0005", "5.0E-4"),
        ("9999999.5", "9999999.5"),
        ("1e7", "1.0E7"),
        ("12345678.5", "1.23456785E7"),
        ("-12345678.5", "-1.23456785E7"),
        ("1e21", "1.0E21"),
        ("1e400", "Infinity"),
        ("-1e400", "-Infinity"),
        ('"text"', "text"),
        ('""', ""),
    ],
)
def test_values_in_the_form_of_java(written: str, text: str) -> None:
    assert java_text(json.loads(written)) == text


@pytest.mark.parametrize("value", [None, [], ["a"], {}, {"a": 1}])
def test_what_is_no_scalar_is_dropped(value: object) -> None:
    attributes, [dropped] = user_attributes({"plan": value}, ())
    assert attributes == {}
    assert dropped.claim == "plan"
    assert "not an attribute" in dropped.reason


@pytest.mark.parametrize("name", ["@plan", "@", "team/@plan"])
def test_names_with_an_at_sign_are_dropped(name: str) -> None:
    attributes, [dropped] = user_attributes({name: "x"}, ())
    assert attributes == {}
    assert (dropped.claim, dropped.reason) == (name, "names that begin with @ are reserved")


@pytest.mark.parametrize("name", ["plan", "Email", "a@b", "a/b", "a b", "é", "max_age"])
def test_names_that_become_attributes(name: str) -> None:
    assert user_attributes({name: "x"}, ("email",)) == ({name: "x"}, [])


@pytest.mark.parametrize("name", [*REGISTERED, "email"])
def test_claims_with_another_use(name: str) -> None:
    assert user_attributes({name: "x"}, ("email",)) == ({}, [])
