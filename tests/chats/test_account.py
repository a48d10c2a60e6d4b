import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats.account import Account

ids = (
    st.text(min_size=1)
    | st.from_regex(r"[A-Za-z0-9_.:@-]{1,128}", fullmatch=True)
    | st.text("/%2Fa:@", max_size=6)
)
accounts = st.builds(Account, ids, ids)


@given(accounts, accounts)
def test_no_two_accounts_have_one_key(one: Account, other: Account) -> None:
    assert (one.key == other.key) == (one == other)


@given(ids, ids, ids)
def test_where_one_id_ends_and_the_next_begins_is_in_the_key(a: str, b: str, c: str) -> None:
    for joint in ("/", "", ":", "%2F"):
        one, other = Account(f"{a}{joint}{b}", c), Account(a, f"{b}{joint}{c}")
        assert (one.key == other.key) == (one == other)


@given(accounts)
def test_a_key_is_no_id_that_the_service_takes(account: Account) -> None:
    """So what was kept by creator id is never taken for an account's."""
    assert "/" in account.key
    assert account.key.isascii()


def test_plain_ids_stay_readable() -> None:
    assert Account("agency:1@b", "c-1_2.3").key == "agency:1@b/c-1_2.3"


@pytest.mark.parametrize(("user_id", "creator_id"), [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c")])
def test_a_separator_in_an_id_is_escaped(user_id: str, creator_id: str) -> None:
    assert Account(user_id, creator_id).key.count("/") == 1
