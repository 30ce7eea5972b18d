"""Which URLs and addresses a webhook may have."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exchange.targets import (
    LONGEST_URL,
    Address,
    Allowed,
    TargetRefused,
    check,
    is_public,
    parsed,
)

NOTHING = Allowed()
REFUSED = [
    "", "example.org", "//example.org/", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)",
    "http://example.org/", "https:example.org", "https:/example.org", "https://", "https:///x", "https://:443/",
    # Ports
    "https://example.org:22/", "https://example.org:80/", "https://example.org:0/", "https://example.org:65536/",
    "https://example.org:-1/", "https://example.org:4 43/", "https://example.org:x/",
    # Who it is
    "https://user@example.org/", "https://user:word@example.org/", "https://@example.org/", "https://a@b@example.org/",
    "https://example.org\\@127.0.0.1/", "https://127.0.0.1#@example.org/", "https://example.org/#part",
    # What another program may read differently
    "https://exa mple.org/", "https://example.org/\n", "\thttps://example.org/", "https://example.org\x00.evil.org/",
    "https://ตัวอย่าง.ไทย/", "https://１２７.0.0.1/", "https://127。0。0。1/", "https://%31%32%37.0.0.1/",
    "https://example.org./", "https://.example.org/", "https://exam_ple.org/", "https://-example.org/", "https://a..b/",
    "https://example.org/<x>", "https://example.org/{x}", "https://[example.org]/", "https://[::1/", "https://[v1.x]/",
    # Names of a private network
    "https://localhost/", "https://LOCALHOST/", "https://db/", "https://kubernetes.default.svc.cluster.local/",
    "https://metadata.google.internal/", "https://router.lan/", "https://x.localhost/", "https://1.0.0.127.in-addr.arpa/",
    # Addresses, however they are spelt
    "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://0X7F.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://127.0.0.01/",
    "https://0/", "https://0.0.0.0/", "https://00.0.0.0/", "https://256.256.256.256/", "https://1.2.3.4.5/",
    "https://4294967296/", "https://0x/", "https://1.2.3.0x4/", "https://10.0.0.1/", "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/", "https://100.100.100.200/", "https://[::]/", "https://[::1]/",
    "https://[::ffff:127.0.0.1]/", "https://[::ffff:8.8.8.8]/", "https://[0:0:0:0:0:ffff:7f00:1]/", "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/", "https://[2001:0:1::1]/",
    "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[2001:4860:4860::8888%25eth0]/", "https://[fc00::1]/",
    "https://[fd00:ec2::254]/", "https://[ff02::1]/", "https://[fec0::1]/", "https://[2001:db8::1]/", "https://[3fff::1]/",
    "https://[5f00::1]/", "https://[100::1]/",
    f"https://example.org/{'x' * LONGEST_URL}",
]  # fmt: skip
ACCEPTED = [
    "https://example.org", "https://example.org/", "https://Example.ORG:443/a?b=c&d=%E0%B8%81", "https://example.org:8443/",
    "HTTPS://example.org/", "https://xn--72c1a2a4b0b.xn--o3cw4h/hook", "https://hooks.example.org/~x/(y);z=1,2!$'*+:@",
    "https://8.8.8.8/", "https://[2001:4860:4860::8888]:8443/hook", "https://a.b.c.d.e.example/", "https://0x.example.org/",
]  # fmt: skip
PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.31.196.1",
    "192.88.99.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:1.1.1.1", "::ffff:0:1.1.1.1", "64:ff9b::1",
    "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002::1",
    "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "febf::1",
    "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
    "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.0",
    "223.255.255.255", "2001:200::1", "2001:4860:4860::8888", "2003::1", "2400:cb00::1", "2a00::1", "3ffe::1",
]  # fmt: skip
NETWORKS = [
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "224.0.0.0/3", "::/3", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8", "64:ff9b::/96", "::ffff:0:0/96",
    )
]  # fmt: skip
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@pytest.mark.parametrize("url", REFUSED, ids=range(len(REFUSED)))
def test_a_url_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        parsed(url, NOTHING)
    assert len(url) < 12 or url not in str(refused.value)


@pytest.mark.parametrize("url", ACCEPTED)
def test_a_public_https_url_is_taken(url: str) -> None:
    target = parsed(url, NOTHING)
    assert (target.scheme, target.url) == ("https", url)
    assert target.port in (443, 8443)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_the_public_internets_is_refused(address: str) -> None:
    one = ipaddress.ip_address(address)
    assert not is_public(one)
    with pytest.raises(TargetRefused):
        check(parsed("https://example.org/", NOTHING), [ipaddress.ip_address("8.8.8.8"), one], NOTHING)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken(address: str) -> None:
    one = ipaddress.ip_address(address)
    assert is_public(one)
    check(parsed("https://example.org/", NOTHING), [one], NOTHING)


def test_a_name_without_addresses_is_refused() -> None:
    with pytest.raises(TargetRefused):
        check(parsed("https://example.org/", NOTHING), [], NOTHING)


@given(st.sampled_from(NETWORKS), st.data())
def test_nothing_of_a_private_network_is_public(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network, data: st.DataObject
) -> None:
    offset = data.draw(st.integers(0, network.num_addresses - 1))
    assert not is_public(network[offset])


@given(ADDRESSES)
def test_what_is_public_is_global_to_the_standard_library_too(address: Address) -> None:
    if is_public(address):
        kinds = ("private", "loopback", "link_local", "multicast", "reserved", "unspecified")
        assert [kind for kind in kinds if getattr(address, f"is_{kind}")] == []


@given(ADDRESSES, ADDRESSES)
def test_one_bad_address_among_good_ones_is_enough(one: Address, other: Address) -> None:
    target = parsed("https://example.org/", NOTHING)
    if is_public(one) and is_public(other):
        check(target, [one, other], NOTHING)
    else:
        with pytest.raises(TargetRefused):
            check(target, [one, other], NOTHING)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_be_taken_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.org{text}"):
        try:
            target = parsed(url, NOTHING)
        except TargetRefused:
            continue
        assert target.address is None or is_public(target.address)


class TestAllowed:
    ALLOWED = Allowed.parsed("127.0.0.0/8, fd00::/8 ,receiver, Hooks.Example.Org,192.168.7.7")

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:9999/x", "https://127.0.0.1/", "http://[fd00::5]:80/", "http://receiver:8080/hook",
            "http://hooks.example.org/", "http://192.168.7.7/",
        ],
    )  # fmt: skip
    def test_what_the_operator_allows_is_taken_with_http_and_any_port(self, url: str) -> None:
        target = parsed(url, self.ALLOWED)
        check(target, [target.address or ipaddress.ip_address("10.9.9.9")], self.ALLOWED)

    @pytest.mark.parametrize(
        "url",
        ["http://128.0.0.1/", "https://192.168.7.8/", "http://other:8080/", "http://u@127.0.0.1/", "http://127.1/", "ftp://receiver/"],
    )  # fmt: skip
    def test_nothing_beside_it(self, url: str) -> None:
        with pytest.raises(TargetRefused):
            parsed(url, self.ALLOWED)

    def test_http_holds_for_allowed_addresses_alone(self) -> None:
        target = parsed("http://example.org/", self.ALLOWED)
        check(target, [ipaddress.ip_address("127.0.0.9")], self.ALLOWED)
        with pytest.raises(TargetRefused):
            check(target, [ipaddress.ip_address("127.0.0.9"), ipaddress.ip_address("8.8.8.8")], self.ALLOWED)

    @pytest.mark.parametrize("text", ["10.0.0.1/8", "1.2.3", "a b", "http://x", "*", "127.1"])
    def test_what_is_neither_network_nor_host_is_told_at_the_start(self, text: str) -> None:
        with pytest.raises(ValueError, match="webhook_allow"):
            Allowed.parsed(text)

    def test_nothing_is_allowed_by_default(self) -> None:
        assert Allowed.parsed("") == Allowed.parsed(" , ") == NOTHING
