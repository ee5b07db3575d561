"""Which addresses stay within the machine."""

import ipaddress


def is_loopback(address: str) -> bool:
    """True when only this machine can reach `address`, HOST:PORT."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
