"""
Whether an address is on the public internet: by IANA's registries of special-purpose addresses (RFC 6890 and its
updates), listed here since `is_global` of `ipaddress` differs between versions of Python; for IPv6 only the allocated
range (2000::/3), without embedded IPv4 and unassigned addresses.
"""
from ipaddress import IPv4Network, IPv6Network, ip_address

_SPECIAL_IPV4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers (CGNAT)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GIVEN_OUT_IPV6 = IPv6Network("2000::/3")
_SPECIAL_IPV6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


def is_address(text: str) -> bool:
    """Whether it is an address in its usual form."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_global_address(text: str) -> bool:
    """False also for a text that is no address in its usual form, or has a zone."""
    if "%" in text or not is_address(text):
        return False
    address = ip_address(text)
    if address.version == 4:
        return not any(address in block for block in _SPECIAL_IPV4)
    return address in _GIVEN_OUT_IPV6 and not any(address in block for block in _SPECIAL_IPV6)


def is_loopback(text: str) -> bool:
    return text == "::1" or (is_address(text) and text.startswith("127."))
