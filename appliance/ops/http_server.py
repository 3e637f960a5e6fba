"""The web server: waitress, with limits on what a connection may take.

waitress reads every request to its end before a thread works on it, so slow clients cost no thread,
only connections. Left alone, some hundred connections that send a byte now and then would use them
all up. Here a request and its response have a time to pass, and when there are too many connections
the one that has waited longest is closed, never one whose request is being answered.
"""

import resource
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import MultiSocketServer, TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

FILE_DESCRIPTORS = 4096  # as many as the system allows
MAINTENANCE_SECONDS = 1


@dataclass(frozen=True)
class ConnectionLimits:
    """What clients may take of one web process."""

    connections: int = 500
    per_address: int = 100  # 0: no limit
    header_seconds: float = 10  # for the head of a request to arrive
    transfer_seconds: float = 30  # for a body to arrive or a response to be read, and for
    bytes_per_second: int = 2_000  # as many bytes one second more
    idle_seconds: float = 30  # before, between and after requests


class LimitedChannel(HTTPChannel):
    """One connection, with the times and sizes by which it is judged."""

    server: "LimitedServer"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.waiting_since = time.monotonic()  # for a request, or for the rest of it
        self._request_started_at = self._sending_since = 0.0
        self._received_bytes = self._sent_bytes = 0
        self._is_closed = False
        super().__init__(*arguments, **options)
        self.server.has_new_channels = True

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self._request_started_at, self._received_bytes = time.monotonic(), 0
        self._received_bytes += len(data)
        return bool(super().received(data))

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent_bytes: int = super().send(data, do_close=do_close)
        self._sent_bytes += sent_bytes
        return sent_bytes

    def service(self) -> None:
        super().service()
        self.waiting_since = time.monotonic()

    def readable(self) -> bool:
        return not self._is_closed and bool(super().readable())

    def writable(self) -> bool:
        return not self._is_closed and bool(super().writable())

    def handle_close(self) -> None:
        self._is_closed = True
        super().handle_close()

    def is_waiting(self) -> bool:
        """Return whether no request of this connection is being answered."""
        return not self.requests

    def is_overdue(self, now: float, limits: ConnectionLimits) -> bool:
        """Return whether the client takes longer than the limits for what it has to do now."""
        if self.total_outbufs_len:
            return self._is_read_too_slowly(now, limits)
        self._sending_since = 0.0
        if self.requests:
            return False
        if self.request is None:
            return now - self.waiting_since > limits.idle_seconds
        seconds = limits.header_seconds
        if self.request.headers_finished:
            seconds = limits.transfer_seconds + self._received_bytes / limits.bytes_per_second
        return now - self._request_started_at > seconds

    def _is_read_too_slowly(self, now: float, limits: ConnectionLimits) -> bool:
        if not self._sending_since:
            self._sending_since, self._sent_bytes = now, 0
        seconds = limits.transfer_seconds + self._sent_bytes / limits.bytes_per_second
        return now - self._sending_since > seconds


class LimitedServer(TcpWSGIServer):
    """Accepts connections on one socket and closes those beyond the limits."""

    channel_class = LimitedChannel
    has_new_channels = False

    def __init__(self, *arguments: Any, limits: ConnectionLimits, **options: Any) -> None:
        self.limits = limits
        super().__init__(*arguments, **options)

    def readable(self) -> bool:
        # Called before the server waits for events: nothing else uses the connections now.
        if self.has_new_channels:
            self.has_new_channels = False
            self._make_room()
        return bool(super().readable())

    def maintenance(self, _now: float) -> None:
        now = time.monotonic()
        for channel in list(self.active_channels.values()):
            if channel.is_overdue(now, self.limits):
                channel.handle_close()

    def _make_room(self) -> None:
        by_address: dict[str, list[LimitedChannel]] = defaultdict(list)
        for channel in self._channels():
            by_address[channel.addr[0]].append(channel)
        if self.limits.per_address:
            for channels in by_address.values():
                _close_longest_waiting(channels, self.limits.per_address)
        _close_longest_waiting(self._channels(), self.limits.connections)

    def _channels(self) -> list[LimitedChannel]:
        """Return the connections of all servers of this process."""
        return [channel for channel in self._map.values() if isinstance(channel, LimitedChannel)]


def _close_longest_waiting(channels: Sequence[LimitedChannel], limit: int) -> None:
    excess = max(0, len(channels) - limit)
    if excess:
        waiting = [channel for channel in channels if channel.is_waiting()]
        for channel in sorted(waiting, key=lambda channel: channel.waiting_since)[:excess]:
            channel.handle_close()


def create_server(
    application: Callable[..., Iterable[bytes]],
    *,
    sockets: Sequence[socket.socket] = (),
    limits: ConnectionLimits | None = None,
    **adjustments: object,
) -> MultiSocketServer:
    """Return a server for ``sockets``, or for ``host`` and ``port``; its ``run`` returns on SIGINT.

    ``adjustments`` are those of waitress.
    """
    limits = limits or ConnectionLimits()
    _raise_file_limit()
    settings = Adjustments(
        **adjustments,
        connection_limit=limits.connections + 100,  # more only while so many are being answered
        cleanup_interval=MAINTENANCE_SECONDS,
        asyncore_use_poll=True,  # select() fails beyond 1,024 descriptors
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(settings.threads)
    channels: dict[int, object] = {}
    listening: list[tuple[socket.socket | None, Any]] = [
        (sock, (sock.family, sock.type, sock.proto, sock.getsockname())) for sock in sockets
    ]
    servers = [
        LimitedServer(
            application,
            channels,
            _sock=sock,
            dispatcher=dispatcher,
            adj=settings,
            sockinfo=address,
            bind_socket=sock is None,
            limits=limits,
        )
        for sock, address in listening or [(None, address) for address in settings.listen]
    ]
    addresses = [(server.effective_host, server.effective_port) for server in servers]
    return MultiSocketServer(channels, settings, addresses, dispatcher)


def _raise_file_limit() -> None:
    """Allow as many connections as the limits do; a system's default may be 1,024 files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = FILE_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(FILE_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
