from __future__ import annotations

import pytest

from fullsend.net.urls import UnsafeUrlError, credential_url


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://mint.example.com", "https://mint.example.com"),
        ("https://mint.example.com/", "https://mint.example.com"),
        ("https://host.example/api/v3", "https://host.example/api/v3"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_credential_may_go_over_https_or_stay_on_this_machine(url: str, bare: str) -> None:
    assert credential_url(url, what="The mint URL", example="https://x") == bare


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mint.example.com",
        "http://mint.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0:8080",
        "ftp://mint.example.com",
        "https://",
        "https://mint.example.com?x=1",
        "https://mint.example.com#x",
        "https://mint.example.com:port",
        "https://[::1",
        "https://mint.example.com\n.evil.example",
        "https://münt.example",
        "http://localhost@mint.example.com",
    ],
)
def test_anything_else_is_refused_before_a_byte_is_sent(url: str) -> None:
    with pytest.raises(UnsafeUrlError, match="for example https://x"):
        credential_url(url, what="The mint URL", example="https://x")


def test_a_password_in_the_url_is_not_repeated() -> None:
    with pytest.raises(UnsafeUrlError) as refused:
        credential_url("https://me:hunter2@mint.example.com", what="The mint URL", example="https://x")
    assert "hunter2" not in str(refused.value)
