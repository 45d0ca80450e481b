"""Two addresses are the same mailbox when the provider delivers both to it."""

import pytest

from accounts import mailboxes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice@example.com", "Alice@Example.COM"),
        ("alice@example.com", " alice@example.com\n"),
        ("alice@example.com", "alice+friend@example.com"),
        ("alice+one@example.com", "alice+two+three@example.com"),
        ("alice.smith@gmail.com", "alicesmith@gmail.com"),
        ("alice.smith@gmail.com", "A.L.I.C.E.Smith+gatewayz@GMail.com"),
        ("alice@gmail.com", "alice@googlemail.com"),
        ("alice.smith@googlemail.com", "alicesmith@gmail.com"),
        ("alice@gmail.com", "a.l.i.c.e+.+@googlemail.com"),
        ("straße@example.com", "STRASSE@example.com"),
        ('"alice"@example.com', "alice@example.com"),
        (r'"al\ice"@example.com', "alice@example.com"),
        ('"alice+one"@example.com', "alice@example.com"),
        ("alice@bücher.example", "alice@xn--bcher-kva.example"),
        ("alice@BÜCHER.example", "alice@xn--bcher-kva.example"),
        ("alice@example.com", "alice@example.com."),
        ("alice+one@outlook.com", "alice@outlook.com"),
        ("alice.smith@proton.me", "alicesmith@protonmail.com"),
        ("alice_smith+x@pm.me", "alice-smith@protonmail.ch"),
        ("news@alice.fastmail.com", "alice@fastmail.com"),
        ("news@alice.fastmail.fm", "alice+shop@fastmail.fm"),
        ("alice@icloud.com", "alice@me.com"),
        ("alice@mac.com", "alice+x@icloud.com"),
        ("alice-shop@yahoo.com", "alice-news@yahoo.com"),
        ("alice.smith@yandex.ru", "alice-smith@ya.ru"),
        ("alice@yandex.com", "alice+x@yandex.by"),
        ("alice@yandex.com.tr", "alice@narod.ru"),
    ],
)
def test_addresses_of_one_mailbox_are_the_same(one: str, other: str) -> None:
    assert mailboxes.is_same(one, other)
    assert mailboxes.is_same(other, mailboxes.fold(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice@example.com", "bob@example.com"),
        ("alice@example.com", "alice@example.org"),
        ("alice.smith@example.com", "alicesmith@example.com"),
        ("alice.smith@outlook.com", "alicesmith@outlook.com"),
        ("alice@gmail.com", "alice@gmail.com.example.com"),
        ("alice@gmail.com", "alice@mail.gmail.com"),
        ("alice-one@gmail.com", "alice-two@gmail.com"),
        ("alice@gmail.com", "alice"),
        ("alice", "bob"),
        ("alice@outlook.com", "alice@hotmail.com"),
        ("alice@fastmail.com", "alice@fastmail.fm"),
        ("alice@yahoo.com", "alice@yahoo.co.uk"),
        ("alicesmith@yandex.ru", "alice-smith@yandex.ru"),
        ("alice.smith@icloud.com", "alicesmith@icloud.com"),
        ("news@alice.icloud.com", "alice@icloud.com"),
        ("alice-shop@example.com", "alice@example.com"),
        ("alice-shop@yahoo.com", "bob-shop@yahoo.com"),
    ],
)
def test_addresses_of_two_mailboxes_are_different(one: str, other: str) -> None:
    assert not mailboxes.is_same(one, other)


@pytest.mark.parametrize(
    ("odd", "folded"),
    [
        ("", "@"),
        ("@", "@"),
        ("+", "@+"),
        ("+tag@example.com", "@example.com"),
        (".@gmail.com", "@gmail.com"),
        ("a@b@gmail.com", "a@b@gmail.com"),
        ('"a+b"@example.com', "a@example.com"),
        ('"@example.com', '"@example.com'),
        ('""@example.com', "@example.com"),
        ('a"@example.com', 'a"@example.com'),
        ("a@" + 70 * "ü" + ".com", "a@" + 70 * "ü" + ".com"),
        ("alice", "@alice"),
        ("\x00@\ud800", "\x00@\ud800"),
    ],
    ids=ascii,
)
def test_a_malformed_address_is_folded_too_and_twice_is_once(odd: str, folded: str) -> None:
    assert mailboxes.fold(odd) == folded == mailboxes.fold(folded)
