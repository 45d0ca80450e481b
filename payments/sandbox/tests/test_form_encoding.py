"""Stripe's nested form encoding."""

import pytest

from payments.sandbox.errors import InvalidParameter
from payments.sandbox.form_encoding import decode


@pytest.mark.parametrize(
    ("encoded", "tree"),
    [
        ("", {}),
        ("a=1&a=2", {"a": "2"}),
        ("a=", {"a": ""}),
        ("a[b]=1&a[c][d]=2", {"a": {"b": "1", "c": {"d": "2"}}}),
        ("a%5Bb%5D=x+y%26z", {"a": {"b": "x y&z"}}),
        ("a[0][b]=1&a[1][b]=2", {"a": {"0": {"b": "1"}, "1": {"b": "2"}}}),
        ("a[]=x&a[]=y", {"a": {"0": "x", "1": "y"}}),
        (
            "a[][b]=1&a[][c]=2&a[][b]=3",
            {"a": {"0": {"b": "1", "c": "2"}, "1": {"b": "3"}}},
        ),
        ("a[b=1", {"a[b": "1"}),
        ("a]b=1", {"a]b": "1"}),
        ("[b]=1", {"[b]": "1"}),
        ("a[b]c=1", {"a[b]c": "1"}),
        ("n=%C3%A9%F0%9F%92%B3", {"n": "é💳"}),
    ],
)
def test_it_nests_names_with_brackets(encoded: str, tree: dict[str, object]) -> None:
    assert decode(encoded) == tree


@pytest.mark.parametrize(
    "encoded",
    ["a=1&a[b]=2", "a[b]=2&a=1", "a[b]=1&a[b][c]=2", "a=%00", "a%00=1", "a" + "[b]" * 50 + "=1"],
)
def test_it_refuses_what_contradicts_itself_or_holds_nul(encoded: str) -> None:
    with pytest.raises(InvalidParameter):
        decode(encoded)


def test_it_refuses_more_fields_than_anyone_needs() -> None:
    with pytest.raises(InvalidParameter):
        decode("&".join(f"a{number}=1" for number in range(1001)))
