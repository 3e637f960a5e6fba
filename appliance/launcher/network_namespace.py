"""A network namespace without other machines, and a monitor for packets to them.

The namespace has only the loopback device, and the default route leads there: a packet to another
machine is sent, seen by the monitor and dropped by the kernel. A packet to SERVER_ADDRESS arrives.
Unlike egress_guard.py this also sees connections of libraries outside of Python. It needs root, or
a kernel that lets ordinary users create namespaces.
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

from appliance.launcher.terminal import LauncherError

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x890B, 0x8914, 0x8916, 0x891C
IFF_UP, RTF_UP = 1, 1
OWN_ADDRESS = "198.51.100.1"  # source address; reserved for documentation (RFC 5737)
OWN_ADDRESS_6 = "2001:db8::1"
# A second address of the namespace, for servers that the desk may reach (ops/trial_servers.py).
SERVER_ADDRESS = "198.51.100.25"
SERVER_PORTS = {"imap": 10993, "smtp": 10465, "ldap": 10636}
ETH_P_ALL, PACKET_OUTGOING, SO_ATTACH_FILTER = 0x0003, 4, 26
ICMP6, UNREACHABLE_6 = 58, 1
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
REMEDY = (
    "this kernel does not let this user create a network namespace: run it as root, or allow it "
    "(sysctl kernel.unprivileged_userns_clone=1; in a container: the capability SYS_ADMIN)"
)
# BPF program: passes all packets except IPv4 to 127.0.0.1, of which only DNS (port 53) passes.
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


def enter() -> "PacketMonitor":
    """Move this process and its future children to a new namespace. Call with one thread only."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        if uid == 0:
            _unshare(CLONE_NEWNET)
        else:
            _unshare(CLONE_NEWUSER | CLONE_NEWNET)
            _keep_identity(uid, gid)
        _add_default_route()
        return PacketMonitor(_packet_socket())
    except OSError as error:
        raise LauncherError(
            f"Outgoing packets cannot be monitored ({error.strerror}): {REMEDY}."
        ) from error


class PacketMonitor:
    """Counts the packets to other machines, in a thread of its own."""

    def __init__(self, packet_socket: socket.socket) -> None:
        self._socket = packet_socket
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def start(self) -> None:
        threading.Thread(target=self._count_packets, name="packet-monitor", daemon=True).start()

    def attempts(self) -> dict[str, int]:
        """Return a description of each destination and its count, in the order of first use."""
        with self._lock:
            return dict(self._counts)

    def _count_packets(self) -> None:
        while True:
            packet, (_, _, kind, *_) = self._socket.recvfrom(2048)
            with contextlib.suppress(ValueError, IndexError, struct.error):
                if kind == PACKET_OUTGOING and (text := describe(packet)):
                    with self._lock:
                        self._counts[text] = self._counts.get(text, 0) + 1


@dataclass(frozen=True)
class Destination:
    """Where a packet was sent, and its content."""

    protocol: str
    address: str
    port: int
    payload: bytes
    source_port: int = 0

    @property
    def is_answer(self) -> bool:
        """Return whether one of our own servers sent the packet."""
        return self.address == SERVER_ADDRESS and self.source_port in SERVER_PORTS.values()


def describe(packet: bytes) -> str | None:
    """Return "tcp 192.0.2.1:80" or "example.org asked of udp 10.0.0.2:53".

    Returns None for packets that stay on this machine and for those the kernel sends itself.
    """
    if packet[0] >> 4 == 6 and packet[6] == ICMP6 and packet[40] == UNREACHABLE_6:
        packet = packet[48:]  # the error contains the packet that was sent
    destination = _parse(packet)
    address = ipaddress.ip_address(destination.address)
    is_dns = destination.port == 53
    if (
        (address.is_loopback and not is_dns)
        or destination.is_answer
        or destination.protocol == "icmp6"
        or address.is_multicast
    ):
        return None
    port = f":{destination.port}" if destination.port else ""
    text = f"{destination.protocol} {destination.address}{port}"
    is_query = is_dns and destination.protocol == "udp"
    name = _queried_name(destination.payload) if is_query else ""
    return f"{name} asked of {text}" if name else text


def _parse(packet: bytes) -> Destination:
    if packet[0] >> 4 == 4:
        header_bytes = (packet[0] & 15) * 4
        protocol, address = packet[9], socket.inet_ntop(socket.AF_INET, packet[16:20])
    else:
        header_bytes, protocol = 40, packet[6]
        address = socket.inet_ntop(socket.AF_INET6, packet[24:40])
    source_port = port = 0
    if protocol in (6, 17):
        source_port, port = struct.unpack_from("!HH", packet, header_bytes)
    name = PROTOCOLS.get(protocol, f"protocol {protocol}")
    return Destination(name, address, port, packet[header_bytes + 8 :], source_port)


def _queried_name(query: bytes) -> str:
    """Return the name in a DNS query."""
    labels, offset = [], 12
    while query[offset]:
        end = offset + 1 + query[offset]
        labels.append(query[offset + 1 : end].decode("ascii", "replace"))
        offset = end
    return ".".join(labels)


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _keep_identity(uid: int, gid: int) -> None:
    """Map user and group to themselves in the new user namespace."""
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as stream:
            stream.write(content)


def _packet_socket() -> socket.socket:
    """Return a socket that receives the packets on the loopback device that pass FILTER."""
    packet_socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in FILTER)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HL", len(FILTER), ctypes.addressof(buffer))
    packet_socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    packet_socket.bind(("lo", ETH_P_ALL))
    return packet_socket


def _add_default_route() -> None:
    """Bring the loopback device up, with a source address and the default route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        for device, address in ((b"lo:1", OWN_ADDRESS), (b"lo:2", SERVER_ADDRESS)):
            fcntl.ioctl(control, SIOCSIFADDR, _request(device, address))
            fcntl.ioctl(control, SIOCSIFNETMASK, _request(device, "255.255.255.255"))
        name = ctypes.create_string_buffer(b"lo")
        anywhere = _address("0.0.0.0")  # noqa: S104
        route = struct.pack(
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
        fcntl.ioctl(control, SIOCADDRT, route)
    with contextlib.suppress(OSError):  # a kernel without IPv6 needs no route
        _add_default_route_ipv6()


def _add_default_route_ipv6() -> None:
    """Add the IPv6 default route; the kernel answers packets to it with "unreachable"."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        address = socket.inet_pton(socket.AF_INET6, OWN_ADDRESS_6)
        index = socket.if_nametoindex("lo")
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16sIi", address, 128, index))
        anywhere = bytes(48)  # destination, source and gateway: unspecified
        route = struct.pack("48sIHHILIi", anywhere, 0, 0, 0, 1, 0, RTF_UP, index)
        fcntl.ioctl(control, SIOCADDRT, route)


def _request(device: bytes, address: str) -> bytes:
    return struct.pack("16s16s8x", device, _address(address))


def _address(address: str) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
