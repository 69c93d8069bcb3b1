"""Reaching servers of the program, and sockets of every family."""

# The calls are what is tried here, so they stand as they are.

import contextlib
import socket

from . import NETWORK, NOT_OUTSIDE, Bait, Escape, attempt, escape


def reach(family: int, kind: int, address: str) -> Escape:
    """Talk to a server of the program: it greets whoever connects, and answers packets."""

    def connect(bait: Bait) -> bool:
        with socket.socket(family, kind) as attempted:
            attempted.settimeout(1)
            where = bait["doors"][address]
            if kind == socket.SOCK_DGRAM and family == socket.AF_UNIX:
                return bool(attempted.sendto(b"x", where))
            attempted.connect(tuple(where) if isinstance(where, list) else where)
            attempted.send(b"x")
            return attempted.recv(1) == b"!"

    return connect


INTERNET, INTERNET6, UNIX, STREAM, PACKETS = (
    socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_DGRAM
)  # fmt: skip
attempt("reach_port", reach(INTERNET, STREAM, "port"), NETWORK)
attempt("reach_port_of_all_addresses", reach(INTERNET, STREAM, "any port"), NETWORK)
attempt("reach_port_6", reach(INTERNET6, STREAM, "port 6"), NETWORK)
attempt("reach_datagram_port", reach(INTERNET, PACKETS, "datagrams"), NETWORK)
attempt("reach_path_socket", reach(UNIX, STREAM, "path"))
attempt("reach_path_datagram_socket", reach(UNIX, PACKETS, "path datagrams"))
attempt("reach_abstract_socket", reach(UNIX, STREAM, "abstract"))
attempt("reach_abstract_datagram_socket", reach(UNIX, PACKETS, "abstract datagrams"))


@escape()
def reach_by_reconnected_pair(bait: Bait) -> bool:
    one, _ = socket.socketpair(UNIX, PACKETS)
    return bool(one.sendto(b"x", bait["doors"]["path datagrams"]))


@escape()
def reach_by_connecting_pair(bait: Bait) -> bool:
    one, _ = socket.socketpair(UNIX, PACKETS)
    one.connect(bait["doors"]["path datagrams"])
    return True


@escape(NETWORK)
def find_a_route(bait: Bait) -> bool:
    """The documentation's own address: nothing is sent by connecting a socket for packets."""
    with socket.socket(INTERNET, PACKETS) as attempted:
        attempted.connect(("203.0.113.1", 9))
    return True


NOT_OUTSIDE.add("find_a_route")  # not every computer has a route


FAMILIES = {
    "ax25": 3, "ipx": 4, "appletalk": 5, "netrom": 6, "atm": 8, "x25": 9, "rose": 11, "decnet": 12, "key": 15,
    "netlink": 16, "packet": 17, "econet": 19, "atm_virtual": 20, "reliable": 21, "sna": 22, "irda": 23, "pppox": 24,
    "llc": 26, "infiniband": 27, "mpls": 28, "can": 29, "tipc": 30, "bluetooth": 31, "rxrpc": 33, "isdn": 34,
    "phonet": 35, "ieee802154": 36, "caif": 37, "alg": 38, "nfc": 39, "vsock": 40, "kcm": 41, "qipcrtr": 42, "smc": 43,
    "xdp": 44, "mctp": 45,
}  # fmt: skip


def any_socket(family: int) -> Escape:
    def make(bait: Bait) -> bool:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            for protocol in (0, 1, 2):
                with contextlib.suppress(OSError), socket.socket(family, kind, protocol):
                    return True
        return False

    return make


for family, number in FAMILIES.items():
    attempt(f"socket_of_{family}", any_socket(number), *([] if family == "netlink" else [NOT_OUTSIDE]))
WAYS = {"sctp": (STREAM, 132), "mptcp": (STREAM, 262), "udplite": (PACKETS, 136), "l2tp": (PACKETS, 115),
        "raw": (socket.SOCK_RAW, 1), "raw_any": (socket.SOCK_RAW, 255)}  # fmt: skip
for way, (kind, protocol) in WAYS.items():
    attempt(
        f"socket_for_{way}",
        lambda bait, kind=kind, protocol=protocol: socket.socket(INTERNET, kind, protocol),
        NOT_OUTSIDE,
    )  # type: ignore[misc]
