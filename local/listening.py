"""What a process and those that came of it listen on, as the kernel tells it in /proc."""

import contextlib
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import groupby
from pathlib import Path

PROC = Path("/proc")
_LISTENS = "0A"  # a TCP state of the kernel's
_SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    address: str
    program: str
    port: int

    @property
    def is_open(self) -> bool:
        """Whether other machines may connect, as far as no firewall keeps them from it."""
        return not ip_address(self.address).is_loopback


def listeners(pid: int) -> list[Listener]:
    """The TCP ports that the process and its descendants listen on; those of other users are left out."""
    # Sockets last: one that is opened meanwhile is not found, and one that is closed is not told.
    owners = {inode: process for process in _family(pid) for inode in _sockets(process)}
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):  # a system without IPv6
            for address, port, inode in parse((PROC / "net" / table).read_text()):
                with contextlib.suppress(KeyError, OSError):
                    program = (PROC / str(owners[inode]) / "comm").read_text().strip()
                    found.add(Listener(address, program, port))
    return sorted(found)


def parse(table: str) -> Iterator[tuple[str, int, int]]:
    """Address, port and inode of each listening socket in a table of the kernel's."""
    for line in table.splitlines()[1:]:
        _, local, _, state, *_, inode = line.split()[:10]
        if state == _LISTENS:
            address, port = local.split(":")
            yield _address(address), int(port, 16), int(inode)


def shown(found: Iterable[Listener]) -> list[str]:
    """A line for each address and program, with its ports."""
    return [
        f"{address}  {program}  {', '.join(str(each.port) for each in same)}"
        for (address, program), same in groupby(found, lambda each: (each.address, each.program))
    ]


def _address(text: str) -> str:
    # In words of four bytes, each in the machine's order.
    words = bytes.fromhex(text)
    data = struct.pack(f">{len(words) // 4}I", *struct.unpack(f"={len(words) // 4}I", words))
    if len(data) == 4:
        return str(IPv4Address(data))
    address = IPv6Address(data)
    return str(address.ipv4_mapped or address)


def _family(pid: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for process in PROC.iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):  # it just ended
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(process.name))
    family, new = {pid}, [pid]
    while new:
        born = [child for parent in new for child in children.get(parent, ())]
        family.update(born)
        new = born
    return family


def _sockets(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):  # it just ended, or is another user's
        for file in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                if found := _SOCKET.fullmatch(str(file.readlink())):
                    yield int(found[1])
