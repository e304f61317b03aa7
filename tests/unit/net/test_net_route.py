from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.net.failures import UnusableRouteError
from fullsend.net.origin import Origin
from fullsend.net.route import proxy_for

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "environ", "proxied"),
    [
        ("https://mint.example", {"HTTPS_PROXY": PROXY}, True),
        ("https://mint.example", {"https_proxy": "proxy.example:3128"}, True),
        ("https://mint.example", {"ALL_PROXY": PROXY}, True),
        ("https://mint.example", {"HTTP_PROXY": PROXY}, False),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "https_proxy": ""}, False),
        ("http://mint.example", {"HTTP_PROXY": PROXY}, True),
        ("http://mint.example", {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, False),
        ("http://mint.example", {"HTTPS_PROXY": PROXY}, False),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, False),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "a.b, mint.example"}, False),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "MINT.example"}, False),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "example"}, False),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": ".example"}, False),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "*.example"}, False),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "mint.example:443"}, False),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "mint.example:8443"}, True),
        ("https://mint.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "int.example,., ,,"}, True),
        ("https://10.1.2.3", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, False),
        ("https://10.1.2.3", {"HTTPS_PROXY": PROXY, "no_proxy": "192.168.0.0/16"}, True),
        ("https://10.1.2.3", {"HTTPS_PROXY": PROXY, "no_proxy": "10.1.2.3"}, False),
        ("https://127.0.0.1:1", {"HTTPS_PROXY": PROXY}, False),
        ("https://[::1]:1", {"HTTPS_PROXY": PROXY}, False),
        ("https://localhost", {"HTTPS_PROXY": PROXY, "ALL_PROXY": PROXY}, False),
        ("https://localhost.example", {"HTTPS_PROXY": PROXY}, True),
    ],
)
def test_the_proxy_of_an_origin(url: str, environ: dict[str, str], proxied: bool) -> None:
    found = proxy_for(Origin.of(url), environ)
    assert (str(found) if found else None) == ("proxy.example:3128" if proxied else None)


@pytest.mark.parametrize(
    "url", ["socks5://p:1", "https://p:1", "http://", "http://p:port", "ftp://me:hunter2@p", "http://[::1"]
)
def test_a_proxy_of_another_kind_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UnusableRouteError, match="HTTPS_PROXY must be a proxy URL") as refused:
        proxy_for(Origin.of("https://mint.example"), {"HTTPS_PROXY": url})
    assert "hunter2" not in str(refused.value)


def test_a_proxys_password_does_not_show() -> None:
    found = proxy_for(Origin.of("https://mint.example"), {"HTTPS_PROXY": "http://me:hunter2@p"})
    assert found is not None
    assert found.fields() == {"Proxy-Authorization": "Basic bWU6aHVudGVyMg=="}
    assert "hunter2" not in f"{found} {found!r}"
    assert "bWU6" not in repr(found)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_environment_breaks_the_choice_of_a_proxy(url: str, excluded: str) -> None:
    with suppress(UnusableRouteError):
        proxy_for(Origin.of("https://mint.example"), {"HTTPS_PROXY": url, "NO_PROXY": excluded})
