"""Whom a client trusts."""

import ssl

import pytest

from eva01.client.tls import NOBODY, trusted_for


@pytest.mark.parametrize("server", ["https://images.example.org", "HTTPS://images.example.org"])
def test_over_tls_the_systems_certificates_count(server):
    assert trusted_for(server) is True


@pytest.mark.parametrize("server", ["http://127.0.0.1:8000", "HTTP://images.example.org"])
def test_without_tls_nobody_is_trusted(server):
    assert trusted_for(server) is NOBODY
    assert (NOBODY.verify_mode, NOBODY.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert NOBODY.get_ca_certs() == []
