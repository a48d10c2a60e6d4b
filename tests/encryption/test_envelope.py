"""What is encrypted is read only as it was written: by its account, in its place, to the last bit."""

import dataclasses
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from encryption.envelope import KEY_BYTES, MAGIC, DataKey, Place, is_encrypted, key_id
from errors import Undecryptable

KEY = DataKey(b"12345678", "u1", "c1", 0.0, b"k" * KEY_BYTES)

places = st.tuples(st.sampled_from(("record", "held input")), st.integers(0, 9) | st.text(max_size=3))
texts = st.text('ab,["\x00é', max_size=4)


@given(place=places, plain=st.binary(max_size=2_000))
def test_what_was_encrypted_is_decrypted_to_the_same(place: Place, plain: bytes) -> None:
    envelope = KEY.encrypt(place, plain)
    assert is_encrypted(envelope)
    assert key_id(envelope) == KEY.id
    assert KEY.decrypt(place, envelope) == plain
    assert KEY.encrypt(place, plain) != envelope  # nobody sees that the same was written twice


@given(plain=st.binary(min_size=8, max_size=200))
def test_nothing_of_the_text_is_in_the_envelope(plain: bytes) -> None:
    assert plain not in KEY.encrypt(("record", 1), plain)


@given(data=st.data(), plain=st.binary(max_size=200))
def test_a_byte_that_was_changed_anywhere_is_refused(data: st.DataObject, plain: bytes) -> None:
    envelope = bytearray(KEY.encrypt(("record", 1), plain))
    at = data.draw(st.integers(0, len(envelope) - 1))
    envelope[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Undecryptable):
        KEY.decrypt(("record", 1), bytes(envelope))


def test_an_envelope_that_was_cut_or_made_longer_is_refused() -> None:
    envelope = KEY.encrypt(("record", 1), b"a short text")
    for wrong in (*(envelope[:end] for end in range(len(envelope))), envelope[1:], envelope + b"\0"):
        with pytest.raises(Undecryptable):
            KEY.decrypt(("record", 1), wrong)


@given(own=places, other=places)
def test_an_envelope_that_lies_elsewhere_is_refused(own: Place, other: Place) -> None:
    assume(own != other)
    with pytest.raises(Undecryptable):
        KEY.decrypt(other, KEY.encrypt(own, b"text"))


@given(users=st.tuples(texts, texts), creators=st.tuples(texts, texts))
def test_no_account_reads_what_is_anothers_even_with_its_key(
    users: tuple[str, str], creators: tuple[str, str]
) -> None:
    one, other = (
        dataclasses.replace(KEY, user_id=user, creator_id=creator)
        for user, creator in zip(users, creators, strict=True)
    )
    assume((one.user_id, one.creator_id) != (other.user_id, other.creator_id))
    with pytest.raises(Undecryptable):
        other.decrypt(("record", 1), one.encrypt(("record", 1), b"text"))


def test_another_key_of_the_same_account_reads_nothing() -> None:
    envelope = KEY.encrypt(("record", 1), b"text")
    same_id = dataclasses.replace(KEY, secret=b"x" * KEY_BYTES)
    other_id = dataclasses.replace(KEY, id=b"87654321")
    for key in (same_id, other_id):
        with pytest.raises(Undecryptable):
            key.decrypt(("record", 1), envelope)


@pytest.mark.parametrize("plain", [b"", b"{}", b'"text"', b"\x78\x01", b"\x94", b"topics\x00\x02", MAGIC[:3]])
def test_what_is_stored_unencrypted_is_told_from_an_envelope(plain: bytes) -> None:
    assert not is_encrypted(plain)


@given(one=texts, other=texts)
def test_digests_tell_values_apart_and_nothing_to_who_has_another_key(one: str, other: str) -> None:
    assert (KEY.digest(one) == KEY.digest(other)) == (one == other)
    assert KEY.digest(one) != dataclasses.replace(KEY, secret=b"x" * KEY_BYTES).digest(one)


@pytest.mark.parametrize("show", [repr, str, lambda key: repr([key]), lambda key: f"{key}"])
def test_a_key_is_not_shown(show: Any) -> None:
    assert "kkkk" not in show(KEY)


def test_what_is_refused_is_not_told() -> None:
    envelope = KEY.encrypt(("held input", "k1"), b"canary")
    with pytest.raises(Undecryptable) as refused:
        KEY.decrypt(("held input", "k2"), envelope)
    assert "canary" not in f"{refused.value!r}"
    assert "k2" not in str(refused.value)
