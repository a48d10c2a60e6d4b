"""Which of several writers writes an account. Pure: every process finds the same one."""

from hashlib import blake2b


def place(account: str, writers: int) -> int:
    """The number of the account's writer, from 0 to `writers` - 1 (rendezvous hashing).

    Accounts are spread evenly. With one writer more, only those move that the new one takes.
    """

    def weight(writer: int) -> bytes:
        return blake2b(f"{writer}/{account}".encode(), digest_size=8).digest()

    return max(range(writers), key=weight)
