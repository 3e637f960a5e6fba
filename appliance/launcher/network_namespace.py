"""A network of its own with nobody else in it, and a watch over whoever tries to leave it.

The namespace holds the loopback device alone, and every road leads there: a packet to another
machine is sent, seen by the watch, and thrown away by the kernel. That sees libraries that never
ask Python, too. Root, or a kernel that lets users make namespaces, is needed.
"""

import contextlib
import ctypes
import fcntl
import ipaddress
import os
import socket
import struct
import threading
from dataclasses import dataclass

from appliance.launcher.errors import LauncherError

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x890B, 0x8914, 0x8916, 0x891C
IFF_UP, RTF_UP = 1, 1
OWN_ADDRESS = "198.51.100.1"  # to send from; belongs to nobody (RFC 5737)
OWN_ADDRESS_6 = "2001:db8::1"
ETH_P_ALL, PACKET_OUTGOING, SO_ATTACH_FILTER = 0x0003, 4, 26
ICMP6, UNREACHABLE_6 = 58, 1
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
REMEDY = (
    "this kernel lets nobody make a network of its own here: run it as root, or allow it "
    "(sysctl kernel.unprivileged_userns_clone=1; in a container: the capability SYS_ADMIN)"
)
# What the kernel hands to the watch: of IPv4 all but what goes to 127.0.0.1, unless that is a
# question to a resolver (port 53); everything else, which is little, as it is.
FILTER = (
    (0x30, 0, 0, 0),
    (0x54, 0, 0, 0xF0),
    (0x15, 0, 5, 0x40),
    (0x20, 0, 0, 16),
    (0x15, 0, 3, 0x7F000001),
    (0x28, 0, 0, 22),
    (0x15, 1, 0, 53),
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 65535),
)


def enter() -> "Watch":
    """This process, and all it starts, is apart from now on. Call while it has one thread."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        if uid == 0:
            _unshare(CLONE_NEWNET)
        else:
            _unshare(CLONE_NEWUSER | CLONE_NEWNET)
            _keep_identity(uid, gid)
        _open_roads()
        return Watch(_eye())
    except OSError as error:
        raise LauncherError(
            f"The way out cannot be watched ({error.strerror}): {REMEDY}."
        ) from error


class Watch:
    """Who tried to leave, in the order of the first attempt, each with how often."""

    def __init__(self, eye: socket.socket) -> None:
        self._eye = eye
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}

    def begin(self) -> None:
        threading.Thread(target=self._look, name="watch", daemon=True).start()

    def attempts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._seen)

    def _look(self) -> None:
        while True:
            packet, (_, _, kind, *_) = self._eye.recvfrom(2048)
            with contextlib.suppress(ValueError, IndexError, struct.error):
                if kind == PACKET_OUTGOING and (text := describe(packet)):
                    with self._lock:
                        self._seen[text] = self._seen.get(text, 0) + 1


@dataclass(frozen=True)
class Sent:
    """What of a packet says where it was to go."""

    protocol: str
    address: str
    port: int
    payload: bytes


def describe(packet: bytes) -> str | None:
    """A packet in words: "tcp 192.0.2.1:80", "example.org asked of udp 10.0.0.2:53"; None for what
    stays here and for what the kernel says to itself.
    """
    if packet[0] >> 4 == 6 and packet[6] == ICMP6 and packet[40] == UNREACHABLE_6:
        packet = packet[48:]  # the answer holds what was sent
    sent = _taken_apart(packet)
    to = ipaddress.ip_address(sent.address)
    is_question = sent.port == 53
    if (to.is_loopback and not is_question) or sent.protocol == "icmp6" or to.is_multicast:
        return None
    where = f"{sent.protocol} {sent.address}" + (f":{sent.port}" if sent.port else "")
    name = _asked_name(sent.payload) if is_question and sent.protocol == "udp" else ""
    return f"{name} asked of {where}" if name else where


def _taken_apart(packet: bytes) -> Sent:
    if packet[0] >> 4 == 4:
        start = (packet[0] & 15) * 4
        protocol, address = packet[9], socket.inet_ntop(socket.AF_INET, packet[16:20])
    else:
        start, protocol = 40, packet[6]
        address = socket.inet_ntop(socket.AF_INET6, packet[24:40])
    port = struct.unpack_from("!H", packet, start + 2)[0] if protocol in (6, 17) else 0
    name = PROTOCOLS.get(protocol, f"protocol {protocol}")
    return Sent(name, address, port, packet[start + 8 :])


def _asked_name(question: bytes) -> str:
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode("ascii", "replace"))
        at += 1 + question[at]
    return ".".join(labels)


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _keep_identity(uid: int, gid: int) -> None:
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as stream:
            stream.write(content)


def _eye() -> socket.socket:
    eye = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in FILTER)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HL", len(FILTER), ctypes.addressof(buffer))
    eye.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    eye.bind(("lo", ETH_P_ALL))
    return eye


def _open_roads() -> None:
    """The loopback device is up, has an address to send from, and leads everywhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        fcntl.ioctl(control, SIOCSIFADDR, _request(b"lo:1", OWN_ADDRESS))
        fcntl.ioctl(control, SIOCSIFNETMASK, _request(b"lo:1", "255.255.255.255"))
        name = ctypes.create_string_buffer(b"lo")
        anywhere = _address("0.0.0.0")  # noqa: S104
        road = struct.pack(
            "L16s16s16sHhLLHhP16x",
            0,
            anywhere,
            anywhere,
            anywhere,
            RTF_UP,
            0,
            0,
            0,
            0,
            0,
            ctypes.addressof(name),
        )
        fcntl.ioctl(control, SIOCADDRT, road)
    with contextlib.suppress(OSError):  # a kernel without IPv6 has no road there either
        _open_road_6()


def _open_road_6() -> None:
    """The kernel takes it for a road that is closed, and answers whoever tries it."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        own = socket.inet_pton(socket.AF_INET6, OWN_ADDRESS_6)
        index = socket.if_nametoindex("lo")
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16sIi", own, 128, index))
        nowhere = bytes(48)  # to anywhere, from anywhere, by no gateway
        road = struct.pack("48sIHHILIi", nowhere, 0, 0, 0, 1, 0, RTF_UP, index)
        fcntl.ioctl(control, SIOCADDRT, road)


def _request(device: bytes, address: str) -> bytes:
    return struct.pack("16s16s8x", device, _address(address))


def _address(address: str) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
