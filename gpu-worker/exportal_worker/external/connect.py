"""
Connects to public addresses only. A host name is resolved once, the addresses are checked, and the connection is made
to a checked address itself, so that a later DNS answer has no effect. No proxy is used.
"""
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult

from ..retry import Passing
from .global_address import is_address, is_global_address, is_loopback
from .limits import Refused

#: A name may have many unreachable addresses, for example all of IPv6; at most this many of each family are tried.
_MOST_OF_A_KIND = 2


def _resolve(name: str) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


def _dial(address: str, port: int, timeout_s: float) -> socket.socket:
    return socket.create_connection((address, port), timeout_s)


@dataclass(frozen=True)
class Network:
    """
    Network access, replaced by tests. `resolve` returns all addresses of a host name, or raises `gaierror`; `dial`
    connects to an address. `authorities` is a file of trusted certificates, instead of the system's.
    """

    resolve: Callable[[str], list[str]] = _resolve
    dial: Callable[[str, int, float], socket.socket] = _dial
    authorities: str | None = None


class Stream:
    """An open connection, which other threads may shut down."""

    def __init__(self, sock: socket.socket, address: str) -> None:
        self.sock = sock
        self.is_loopback = is_loopback(address)
        #: The reason, when it was shut down by a time limit.
        self.late: str | None = None

    def cut(self) -> None:
        """Ends every blocking call on the connection."""
        try:
            # Not SSLSocket's own method, which removes state that the reading thread uses.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except OSError:
            pass

    @contextmanager
    def within(self, seconds: float, late: str) -> Iterator[None]:
        """Shuts the connection down at the time limit, and raises `Passing` with `late`."""

        def end() -> None:
            self.late = late
            self.cut()

        timer = threading.Timer(max(0.0, seconds), end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception:
            if self.late is None:
                raise
        finally:
            timer.cancel()
        if self.late is not None:
            raise Passing(self.late) from None

    def close(self) -> None:
        self.sock.close()


def host_of(url: SplitResult) -> str:
    """The host without brackets and trailing dot; a number in any notation is converted to an address."""
    host = url.hostname or ""
    if is_address(host):
        return host
    try:
        host = host.encode("idna").decode()
    except UnicodeError:
        # The name lookup will fail.
        pass
    host = host.removesuffix(".")
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


def open_stream(url: SplitResult, network: Network, loopback: bool, connect_s: float) -> Stream:
    """
    Connects to the host of `url`, and for https verifies its certificate for the name. `loopback` allows this computer,
    and http to it alone. Raises `Refused`, `Passing` or `OSError`.
    """
    secure = url.scheme == "https"
    if not secure and not (loopback and url.scheme == "http"):
        raise Refused("is not fetched: only https is allowed. Give an https address.")
    if url.username or url.password:
        instead = "Give an address that is signed instead."
        raise Refused(f"is not fetched: it holds a user name or password. {instead}")
    name = host_of(url)
    addresses = _public_addresses(name, network, loopback, secure)
    stream = _dialed(addresses, url.port or (443 if secure else 80), network, connect_s)
    try:
        if secure:
            _secure(stream, name, network, connect_s)
    except BaseException:
        stream.close()
        raise
    return stream


def _public_addresses(name: str, network: Network, loopback: bool, secure: bool) -> list[str]:
    found = [name] if is_address(name) else _resolved(name, network)
    usable = [
        address for address in found
        if (secure and is_global_address(address)) or (loopback and is_loopback(address))
    ]
    if not usable:
        instead = "Give an address that everyone on the internet can reach."
        raise Refused(f"is not fetched: it is in a private or reserved network. {instead}")
    return usable


def _resolved(name: str, network: Network) -> list[str]:
    try:
        return network.resolve(name)
    except (socket.gaierror, ValueError) as error:
        unknown = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
        if isinstance(error, socket.gaierror) and error.errno not in unknown:
            raise Passing("its host name could not be looked up") from None
        raise Refused("is not fetched: its host name is not known. Check its spelling.") from None


def _dialed(addresses: Sequence[str], port: int, network: Network, connect_s: float) -> Stream:
    trouble: OSError | None = None
    tried: list[bool] = []
    for address in addresses:
        kind = ":" in address
        if tried.count(kind) == _MOST_OF_A_KIND:
            continue
        tried.append(kind)
        try:
            return Stream(network.dial(address, port, connect_s), address)
        except OSError as error:
            trouble = error
    if isinstance(trouble, TimeoutError):
        raise Passing(_no_connection(connect_s)) from None
    assert trouble is not None
    raise trouble


def _secure(stream: Stream, name: str, network: Network, connect_s: float) -> None:
    context = ssl.create_default_context(cafile=network.authorities)
    context.set_alpn_protocols(["http/1.1"])
    raw = stream.sock
    raw.settimeout(connect_s)
    stream.sock = secured = context.wrap_socket(raw, server_hostname=name, do_handshake_on_connect=False)
    try:
        with stream.within(connect_s, _no_connection(connect_s)):
            secured.do_handshake()
    except ssl.SSLCertVerificationError:
        instead = "Give an address whose certificate is."
        raise Refused(f"is not fetched: its server's certificate is not valid. {instead}") from None
    except TimeoutError:
        raise Passing(_no_connection(connect_s)) from None


def _no_connection(connect_s: float) -> str:
    return f"no connection within {connect_s:g} s"
