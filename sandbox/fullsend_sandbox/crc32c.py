"""CRC-32C (Castagnoli, RFC 3720 appendix B.4), which Secret Manager sends beside each payload."""

from functools import lru_cache

POLYNOMIAL = 0x82F63B78


def _row(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (POLYNOMIAL if byte & 1 else 0)
    return byte


TABLE = tuple(_row(byte) for byte in range(256))


@lru_cache(maxsize=64)  # a world that starts again stores the same keys
def crc32c(data: bytes) -> int:
    """Return the checksum as an unsigned 32-bit number."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
