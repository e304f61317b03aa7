"""Make RSA keys for the sandbox in the background; each is used once.

Making a key takes tens of milliseconds, mostly outside the interpreter's lock. So a pool makes several in parallel
while the rest of the world starts. Keys are never written to disk.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

BITS = 2048


def new_key() -> rsa.RSAPrivateKey:
    """Make an RSA key of 2,048 bits, as GitHub does."""
    return rsa.generate_private_key(public_exponent=65537, key_size=BITS)


def pem(key: rsa.RSAPrivateKey) -> bytes:
    """Return the key as PKCS#1 PEM, the form in which GitHub hands out App keys."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


class KeyPool:
    """Keys made in advance, in a fixed order.

    Tests share one pool between worlds and `rewind` it before each, so a world starts quickly. Worlds that share
    keys trust each other's signatures.
    """

    def __init__(self, ahead: int = 9) -> None:
        self._executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix="rsa")
        self._lock = Lock()
        self._keys: list[Future[rsa.RSAPrivateKey]] = []
        self._next = 0
        self._wrapping: dict[int, rsa.RSAPrivateKey] = {}
        self._ahead = ahead
        self._grow(ahead)

    def _grow(self, count: int) -> None:
        self._keys += [self._executor.submit(new_key) for _ in range(count)]

    def next_key(self) -> rsa.RSAPrivateKey:
        """Return the next key, waiting for it if it is still being made."""
        with self._lock:
            if self._next == len(self._keys):
                self._grow(1)
            future = self._keys[self._next]
            self._next += 1
        return future.result()

    def wrapping_key(self, bits: int) -> rsa.RSAPrivateKey:
        """Return the pool's key for import jobs of this size; making one of 4,096 bits takes up to a second."""
        with self._lock:
            if bits not in self._wrapping:
                self._wrapping[bits] = rsa.generate_private_key(public_exponent=65537, key_size=bits)
            return self._wrapping[bits]

    def rewind(self) -> None:
        """Return the same keys again, beginning with the first."""
        with self._lock:
            self._next = 0

    def close(self) -> None:
        """End its threads; keys that were not begun are not made."""
        self._executor.shutdown(cancel_futures=True)
