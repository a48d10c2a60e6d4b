"""What listens where is found, in this process and in those that came of it."""

import os
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.listening import Listener, listeners, parse, shown

# Two of a small-endian machine's, one that listens and one that is connected; and one of IPv6.
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100
   1: 0100007F:1F90 0100007F:8CA0 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20
"""
_V6 = "00000000000000000000000001000000:0050 00000000000000000000000000000000:0000"
_V4_IN_V6 = "0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000"
TCP6 = f"""  sl  local_address                         remote_address                        st tx ..
   0: {_V6} 0A 00000000:00000000 00:00000000 00000000  1000        0 9 1 0 100
   1: {_V4_IN_V6} 0A 00000000:00000000 00:00000000 00000000  1000        0 10 1 0 100
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the table is of a little-endian machine")
def test_a_table_of_the_kernels_is_read() -> None:
    assert list(parse(TCP)) == [("127.0.0.1", 8080, 4711)]
    assert list(parse(TCP6)) == [("::1", 80, 9), ("127.0.0.1", 81, 10)]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "127.1.2.3"])
def test_a_socket_of_this_process_is_found(address: str) -> None:
    with socket.socket() as listening:
        listening.bind((address, 0))
        listening.listen()
        port = listening.getsockname()[1]
        [found] = [each for each in listeners(os.getpid()) if each.port == port]
    assert (found.address, found.is_open) == (address, address == "0.0.0.0")


def test_a_socket_of_a_process_that_came_of_this_one_is_found_and_no_others() -> None:
    code = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); "
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert port in {each.port for each in listeners(os.getpid())}
        assert {each.port for each in listeners(child.pid)} == {port}
        child.stdin.close()


PROGRAMS = st.sampled_from(["haproxy", "raylet"])
FOUND = st.lists(st.builds(Listener, st.sampled_from(["127.0.0.1", "::"]), PROGRAMS, st.integers(1, 65535)))


@given(found=FOUND)
def test_every_port_is_shown_with_its_address_and_program(found: list[Listener]) -> None:
    lines = shown(sorted(set(found)))
    assert len(lines) == len({(each.address, each.program) for each in found})
    for each in found:
        [line] = [line for line in lines if line.startswith(f"{each.address}  {each.program}  ")]
        assert str(each.port) in line.split("  ")[2].split(", ")
