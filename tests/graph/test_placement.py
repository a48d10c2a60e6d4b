from collections import Counter

from graph.placement import place

ACCOUNTS = [f"user{n}/creator{n % 7}" for n in range(10_000)]


def test_accounts_are_spread_evenly() -> None:
    for writers in (2, 5, 8):
        counts = Counter(place(account, writers) for account in ACCOUNTS)
        mean = len(ACCOUNTS) / writers
        assert set(counts) == set(range(writers))
        assert all(0.9 * mean < count < 1.1 * mean for count in counts.values())


def test_with_one_writer_more_only_the_accounts_that_it_takes_move() -> None:
    moved = [account for account in ACCOUNTS if place(account, 4) != place(account, 5)]
    assert {place(account, 5) for account in moved} == {4}
    assert 0.17 < len(moved) / len(ACCOUNTS) < 0.23


def test_an_account_has_the_same_writer_in_every_process() -> None:
    # Python's own hash would differ from process to process.
    assert [place(account, 8) for account in ACCOUNTS[:8]] == [5, 1, 7, 4, 7, 4, 3, 5]
