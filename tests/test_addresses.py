import pytest
from django.test import RequestFactory

from predictor.access.addresses import find_address


def find(peer, forwarded=None):
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return find_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("a name", "unknown"),
    ],
)
def test_a_client_is_known_by_its_address_and_by_its_network_where_that_is_ipv6(peer, address):
    assert find(peer) == address


def test_what_a_client_says_of_itself_is_not_believed():
    assert find("198.51.100.7", "203.0.113.9") == "198.51.100.7"


@pytest.mark.parametrize("trusted", [["*"], ["10.1.2.3"], ["192.0.2.0/24", "10.0.0.0/8"]])
def test_a_trusted_proxy_names_the_client_last(settings, trusted):
    settings.FORWARDED_ALLOW_IPS = trusted
    assert find("10.1.2.3", "192.0.2.1, 203.0.113.9") == "203.0.113.9"
    assert find("10.1.2.3", "203.0.113.9,2001:db8::1") == "2001:db8::/64"


def test_another_peer_than_the_trusted_proxy_names_nobody(settings):
    settings.FORWARDED_ALLOW_IPS = ["10.0.0.0/8"]
    assert find("198.51.100.7", "203.0.113.9") == "198.51.100.7"
    assert find("", "203.0.113.9") == "unknown"


@pytest.mark.parametrize("forwarded", [None, "", "unknown", "203.0.113.9, _hidden", "203.0.113.9,"])
def test_where_the_proxy_names_no_address_it_is_the_client(settings, forwarded):
    settings.FORWARDED_ALLOW_IPS = ["*"]
    assert find("10.1.2.3", forwarded) == "10.1.2.3"


NETWORKS = ["173.245.48.0/20", "2400:cb00::/32"]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (["1"], "192.0.2.1, 203.0.113.9", "203.0.113.9"),
        (["2"], "192.0.2.1, 203.0.113.9, 173.245.48.5", "203.0.113.9"),
        (["2"], "203.0.113.9", "203.0.113.9"),
        (["2"], "192.0.2.1, _hidden, 173.245.48.5", "10.1.2.3"),
        (NETWORKS, "192.0.2.1, 203.0.113.9, 173.245.48.5", "203.0.113.9"),
        (NETWORKS, "192.0.2.1, 203.0.113.9, 2400:cb00::1,173.245.48.5", "203.0.113.9"),
        # Not through the proxies: what its sender wrote before is not believed.
        (NETWORKS, "173.245.48.5, 203.0.113.9", "203.0.113.9"),
        (NETWORKS, "173.245.48.5", "173.245.48.5"),
        (NETWORKS, "unknown, 173.245.48.5", "10.1.2.3"),
    ],
)
def test_further_proxies_of_the_site_are_passed_over_from_the_end(settings, proxies, forwarded, address):
    settings.FORWARDED_ALLOW_IPS = ["10.0.0.0/8"]
    settings.TRUSTED_PROXIES = proxies
    assert find("10.1.2.3", forwarded) == address
    assert find("198.51.100.7", forwarded) == "198.51.100.7"


def test_a_header_of_any_length_is_read_from_its_end(settings):
    settings.FORWARDED_ALLOW_IPS = ["*"]
    assert find("10.1.2.3", "192.0.2.1, " * 1000 + "203.0.113.9") == "203.0.113.9"
