"""The ways in, by a Gateway and by an Ingress: who meets whom, and that neither cuts a transfer short."""

import pytest

from jobs.contract.settings import WebSettings
from tests.manifests.rendering import Object, of_kind, render, used_by, whole_folders
from tests.manifests.test_network import WEB, Peer, may, of, selects
from web.api.schemas.forms import LONGEST_WAIT_S

BY_GATEWAY = [one for one in whole_folders() if "components/gateway-api" in used_by(one)]
BY_INGRESS = [one for one in whole_folders() if "components/ingress-tls" in used_by(one)]
#: Where a Gateway's proxies may run.
PROXIES = ("eva01-gateway", "envoy-gateway-system")

gateways = pytest.mark.parametrize("folder", BY_GATEWAY)


def route(folder: str) -> Object:
    """The rule by which requests reach web."""
    (found,) = (one for one in of_kind(render(folder), "HTTPRoute") if one["metadata"]["name"] == "web")
    (rule,) = found["spec"]["rules"]
    return rule


def takes(listener: Object, namespace: str) -> bool:
    """True when routes of a namespace may hang on a listener."""
    allowed = listener["allowedRoutes"]["namespaces"]
    assert allowed["from"] == "Selector"
    return selects(allowed["selector"], {"kubernetes.io/metadata.name": namespace})


def test_both_ways_in_are_tried_alone_and_side_by_side():
    assert set(BY_GATEWAY) - set(BY_INGRESS)
    assert set(BY_INGRESS) - set(BY_GATEWAY)
    assert set(BY_GATEWAY) & set(BY_INGRESS)


@gateways
def test_every_route_hangs_on_a_listener_that_takes_it(folder):
    objects = render(folder)
    namespaces = {one["metadata"]["name"] for one in of_kind(objects, "Namespace")}
    listeners = {
        (one["metadata"]["namespace"], one["metadata"]["name"], listener["name"]): listener
        for one in of_kind(objects, "Gateway")
        for listener in one["spec"]["listeners"]
    }
    assert {namespace for namespace, *_ in listeners} <= namespaces
    for one in of_kind(objects, "HTTPRoute"):
        (parent,) = one["spec"]["parentRefs"]
        listener = listeners[parent["namespace"], parent["name"], parent["sectionName"]]
        assert one["spec"]["hostnames"] == [listener["hostname"]]
        assert takes(listener, one["metadata"]["namespace"])


@gateways
def test_a_certificate_can_be_proved_on_port_80_and_nothing_of_others_hangs_on_our_name(folder):
    (gateway,) = of_kind(render(folder), "Gateway")
    # cert-manager's route for a challenge is where the certificate's Secret is: where its Gateway is.
    own = gateway["metadata"]["namespace"]
    asked = {listener["port"]: listener for listener in gateway["spec"]["listeners"]}
    namespaces = ("eva01", own, "default", "kube-system", "cert-manager", "")
    assert [one for one in namespaces if takes(asked[80], one)] == ["eva01", own]
    assert [one for one in namespaces if takes(asked[443], one)] == ["eva01"]


@gateways
def test_no_route_of_ours_is_more_exact_than_that_of_a_challenge(folder):
    # On one listener an exact path, /.well-known/acme-challenge/…, wins before any that only begins alike.
    for one in of_kind(render(folder), "HTTPRoute"):
        for rule in one["spec"]["rules"]:
            assert [match["path"]["type"] for match in rule["matches"]] == ["PathPrefix"]


@gateways
def test_requests_without_tls_are_sent_to_where_there_is(folder):
    (gateway,) = of_kind(render(folder), "Gateway")
    plain = {one["name"] for one in gateway["spec"]["listeners"] if one["protocol"] == "HTTP"}
    on_plain = [
        one
        for one in of_kind(render(folder), "HTTPRoute")
        if one["spec"]["parentRefs"][0]["sectionName"] in plain
    ]
    assert on_plain
    for one in on_plain:
        (rule,) = one["spec"]["rules"]
        assert "backendRefs" not in rule
        (redirect,) = rule["filters"]
        assert redirect["requestRedirect"]["scheme"] == "https"


@gateways
def test_the_route_leads_to_a_port_of_webs_service(folder):
    (target,) = route(folder)["backendRefs"]
    (service,) = (
        one for one in of_kind(render(folder), "Service") if one["metadata"]["name"] == target["name"]
    )
    assert service["metadata"]["namespace"] == "eva01"
    assert target["port"] in {port["port"] for port in service["spec"]["ports"]}


@gateways
def test_no_upload_and_no_stream_is_cut_by_the_gateway(folder):
    assert route(folder)["timeouts"] == {"request": "0s", "backendRequest": "0s"}


@gateways
def test_web_believes_of_what_people_send_nothing_that_a_proxy_should_say(folder):
    (headers,) = (one["requestHeaderModifier"] for one in route(folder)["filters"])
    assert headers["set"] == [{"name": "X-Forwarded-Proto", "value": "https"}]
    # X-Forwarded-For every proxy sets, or adds to; web takes the last one.
    assert set(headers["remove"]) == {"X-Forwarded-Host", "X-Forwarded-Prefix"}


@pytest.mark.parametrize("folder", whole_folders())
def test_the_proxies_of_a_gateway_reach_web_and_nothing_else_of_ours(folder):
    for namespace in PROXIES:
        proxy = Peer(namespace)
        assert may(folder, of(folder, "web"), "Ingress", proxy, WEB) is (folder in BY_GATEWAY)
        for component, port in (("web", 9100), ("worker", 9100), ("redis", 6379)):
            if component != "redis" or "components/external-redis" not in used_by(folder):
                assert not may(folder, of(folder, component), "Ingress", proxy, port)


@pytest.mark.parametrize("folder", BY_INGRESS)
def test_no_upload_and_no_silence_is_cut_by_the_ingress(folder):
    (ingress,) = of_kind(render(folder), "Ingress")
    said = {
        key.partition("nginx.ingress.kubernetes.io/")[2]: value
        for key, value in ingress["metadata"]["annotations"].items()
    }
    assert said["proxy-body-size"] == "0"
    assert said["proxy-request-buffering"] == "off"
    for direction in ("proxy-read-timeout", "proxy-send-timeout"):
        assert int(said[direction]) > max(LONGEST_WAIT_S, WebSettings().body_s)
