"""Measure with STS and GitHub behind TLS, as they are in production."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bench.server import Server
from bench.world import HOST

if TYPE_CHECKING:
    from bench.passes import Stage

_LATENCY_MS = 50


def over_tls(stage: Stage) -> dict[str, Any]:
    """Return the p50 of one client at 50 ms, the mint's and the baseline's, over TLS."""
    stage.say(f"one client, {_LATENCY_MS} ms upstream, TLS")
    environment = stage.scene.tls_environment()
    stage.scene.set_latency(_LATENCY_MS)
    with ExitStack() as started:
        servers = {
            name: started.enter_context(Server(name, environment, cpus=stage.server_cpus))
            for name in ("mint", "baseline")
        }
        stage.warm(servers.values())
        times: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(stage.effort.rounds):
            for name, server in servers.items():
                times[name].append(stage.load(server, 1).percentile(50))
    stage.scene.set_latency(0)
    found: dict[str, Any] = {name: {"p50_ms": statistics.median(one)} for name, one in times.items()}
    found["ratio"] = found["mint"]["p50_ms"] / found["baseline"]["p50_ms"]
    return found


def certificate() -> tuple[str, str]:
    """Return a certificate for the loopback address, its own authority, and its key, in PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=12))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM).decode(), private.decode()
