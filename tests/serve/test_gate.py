"""Who may come in."""

import pytest

from abstractor.serve.gate import Gate, is_loopback, is_own_origin


def test_the_token_is_good_once():
    gate = Gate()
    cookie = gate.exchange(gate.token)
    assert gate.admits(cookie)
    assert gate.exchange(gate.token) is None
    assert gate.admits(cookie)


def test_a_wrong_token_gets_nothing_and_spoils_nothing():
    gate = Gate()
    for wrong in ("", gate.token[:-1], gate.token + "x", "\N{SNOWMAN}"):
        assert gate.exchange(wrong) is None
    assert gate.exchange(gate.token) is not None


def test_nobody_is_admitted_without_the_cookie_that_was_given_out():
    gate = Gate()
    cookie = gate.exchange(gate.token)
    for wrong in (None, "", gate.token, gate.place, f"{cookie}x", "\N{SNOWMAN}"):
        assert not gate.admits(wrong)


def test_every_server_has_secrets_of_its_own():
    one, other = Gate(), Gate()
    secrets = {one.token, one.place, one.exchange(one.token), other.token, other.place, other.exchange(other.token)}
    assert len(secrets) == 6


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.0.0.1", "localhost:9", "[::1]:65535"])
def test_this_machine_is_known_by_its_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example#127.0.0.1",
        "evil@127.0.0.1",
        "127.0.0.1:8000 ",
        "127.0.0.1:8000\n",
        "0.0.0.0:8000",
        "10.0.0.7:8000",
    ],
)
def test_a_name_that_only_leads_here_is_refused(host):
    assert not is_loopback(host)


def test_another_port_of_this_machine_is_another_origin():
    assert is_own_origin("http://127.0.0.1:8000", "127.0.0.1:8000")
    for origin in ("http://127.0.0.1:8001", "https://127.0.0.1:8000", "http://localhost:8000", "null", ""):
        assert not is_own_origin(origin, "127.0.0.1:8000")
