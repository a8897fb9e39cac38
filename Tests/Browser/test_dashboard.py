"""The dashboard as an operator uses it, in a real browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conftest import ADMIN_KEY, HOSTILE, SCREENSHOTS

PAGES = ["Overview", "Alerts", "Providers", "Groups", "Requests", "Costs", "Keys", "Configuration", "Playground"]
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}, "is_mobile": True,
              "has_touch": True},
    "wide": {"color_scheme": "dark", "viewport": {"width": 3840, "height": 2160}},
}


@pytest.fixture(scope="session")
def traffic(gateway):
    """Requests of every kind, so that there is something to see."""
    for index in range(12):
        assert gateway.chat(stream=index % 2 == 0, user=HOSTILE, metadata={"who": HOSTILE})[0] == 200
    for _ in range(8):
        assert gateway.chat("unsteady")[0] == 200
    assert gateway.chat(gateway.hostile_name)[0] == 200
    assert gateway.chat("no-such " + HOSTILE)[0] == 404
    # Five failures in a row open the circuit breaker.
    assert gateway.ask("GET", "/breakers/main%2Fbad")["data"][0]["state"] == "open"
    return gateway


def test_a_wrong_key_is_told_so_and_a_right_one_opens(dashboard):
    page = dashboard.page
    dashboard.allowed = ["401"]
    page.goto(dashboard.gateway.admin + "/")
    expect(page.get_by_label("Key")).to_be_visible()
    assert "undefined" not in page.inner_text("main")
    page.get_by_label("Key").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not valid")
    page.get_by_label("Key").fill(ADMIN_KEY)
    page.get_by_label("Key").press("Enter")
    expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
    expect(page.locator("#who")).to_contain_text("admin")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Key")).to_be_visible()


def test_the_first_load_is_small_and_all_from_the_gateway(dashboard, measured):
    dashboard.come()
    # By the page's own clock, from the first request on. Told and not judged: it is the machine's time too.
    interactive = dashboard.page.evaluate("performance.now()")
    dashboard.enter()
    files = [each for url, each in dashboard.loaded.items() if "/admin/v1" not in url and "/health" not in url]
    assert len(files) > 5
    size = sum(len(each.body()) for each in files)
    measured.append(f"first load: {size:,} bytes in {len(files)} files, interactive after {interactive:.0f} ms")
    assert size < 300_000


def test_traffic_appears_by_itself(dashboard, traffic):
    page = dashboard.log_in().open("Requests")
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    before = page.get_by_role("row").count()
    traffic.chat("spare/small")
    row = page.get_by_role("row", name=re.compile("spare.small"))
    expect(row.first).to_be_visible()
    assert page.get_by_role("row").count() == before + 1
    page = dashboard.open("Overview")
    expect(page.locator(".tile").filter(has_text="requests in 5 minutes").locator("b")).not_to_have_text("0")


def test_what_ends_now_is_seen_within_two_seconds(dashboard, traffic):
    """By the page's own clock, so that it does not judge the machine."""
    page = dashboard.page
    page.clock.install()
    dashboard.log_in()
    tile = page.locator(".tile").filter(has_text="requests in 5 minutes").locator("b")
    expect(tile).to_be_visible()
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    # Nothing is asked any more until the clock goes on.
    expect(page.locator("main:not([aria-busy])")).to_be_visible()
    before = int(tile.inner_text())
    assert traffic.chat()[0] == 200
    page.clock.run_for(2_000)
    expect(tile).not_to_have_text(str(before))


def test_nobody_is_asked_while_the_page_is_hidden(dashboard, traffic):
    page = dashboard.page
    page.clock.install()
    dashboard.log_in()
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    expect(page.locator("main:not([aria-busy])")).to_be_visible()
    page.evaluate("""() => { window.shown = "hidden";
        Object.defineProperty(document, "visibilityState", { configurable: true, get: () => window.shown }); }""")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(30_000)
    assert asked == []
    # Seen again, it asks at once.
    with page.expect_request(lambda request: "/overview" in request.url):
        page.evaluate("""() => { window.shown = "visible"; document.dispatchEvent(new Event("visibilitychange")); }""")


def test_the_latency_of_a_provider_is_drawn_and_told(dashboard, traffic):
    page = dashboard.log_in().open("Providers")
    spare = page.locator("section.card").filter(has=page.get_by_role("heading", name=re.compile("^spare")))
    drawing = spare.get_by_role("img", name=re.compile("^Latency of spare, last 60 minutes: .* calls"))
    expect(drawing).to_be_visible()
    expect(drawing.locator("rect title").first).to_have_text(re.compile(r"^\d+ [<>] .*ago$|this minute$"))
    # Those that failed have a row of their own.
    main = page.get_by_role("img", name=re.compile("^Latency of main, .* failed"))
    expect(main).to_be_visible()
    shown = traffic.ask("GET", "/latency")
    counts = {each["name"]: each["counts"] for each in shown["providers"]}
    assert all(len(column) == len(shown["bounds_ms"]) + 2 for column in counts["main"]) and len(counts["main"]) == 60
    assert sum(column[-1] for column in counts["main"]) >= 5
    spare.get_by_text("Numbers").click()
    table = spare.get_by_role("region", name=re.compile("^Latency of spare"))
    expect(table.get_by_role("row", name=re.compile("^failed"))).to_be_visible()
    # It stays open while the page draws itself anew.
    with page.expect_response(lambda reply: "/latency" in reply.url):
        pass
    expect(table).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "latency.png", full_page=True)


def test_requests_are_filtered_and_tell_their_story(dashboard, traffic):
    page = dashboard.log_in().open("Requests")
    page.get_by_label("Model").fill("unsteady")
    page.get_by_role("button", name="Filter").click()
    rows = page.locator("tbody tr.pick")
    expect(rows).to_have_count(8)
    rows.last.get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("failover")
    # What the provider said is shown as it is.
    expect(dialog).to_contain_text("onerror=window.hacked=1")
    expect(dialog.locator("svg rect").nth(1)).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "request.png")
    dialog.get_by_role("button", name="Close").click()
    page.get_by_label("Model").fill("")
    page.get_by_label("Status").fill("404")
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("<script>")


def test_a_breaker_is_reset(dashboard, traffic):
    page = dashboard.log_in().open("Providers")
    row = page.get_by_role("row", name=re.compile("^bad"))
    expect(row).to_contain_text("open")
    row.get_by_role("button", name="Reset").click()
    expect(row).to_contain_text("closed")
    assert traffic.ask("GET", "/breakers/main%2Fbad")["data"][0]["state"] == "closed"
    # As it was, for the tests after this one.
    traffic.ask("POST", "/breakers/main%2Fbad/trip")


def test_a_key_is_made_and_used(dashboard, traffic):
    page = dashboard.log_in().open("Keys")
    page.get_by_label("Name", exact=True).fill("made-here")
    page.get_by_label("Models", exact=True).fill("chat")
    page.get_by_role("button", name="Make").click()
    secret = page.locator("#secret")
    expect(secret).to_be_visible()
    assert traffic.chat(key=secret.inner_text())[0] == 200
    assert traffic.chat("unsteady", key=secret.inner_text())[0] == 403
    row = page.get_by_role("row", name=re.compile("made-here"))
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("disabled")
    # The list of keys that the gateway has in memory is read again at once.
    assert traffic.chat(key=secret.inner_text())[0] == 401


def test_a_key_is_changed_and_deleted_by_keyboard(dashboard, traffic):
    page = dashboard.log_in().open("Keys")
    page.get_by_label("Name", exact=True).fill("edited")
    page.get_by_role("button", name="Make").click()
    secret = page.locator("#secret").inner_text()
    row = page.get_by_role("row", name=re.compile("edited"))
    row.get_by_role("button", name="Edit").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("New name")).to_be_focused()
    page.locator("section", has_text="Change edited").get_by_label("Requests a minute").fill("1")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("rpm 1")
    assert [traffic.chat(key=secret)[0] for _ in range(2)] == [200, 429]
    row.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Delete for good")).to_be_focused()
    page.keyboard.press("Escape")
    expect(row.get_by_role("button", name="Delete")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(row).to_have_count(0)
    assert traffic.chat(key=secret)[0] == 401


def test_the_playground_answers_and_explains(dashboard, traffic):
    page = dashboard.log_in().open("Playground")
    explains = "/explain" in str(traffic.ask("GET", "/openapi.json")["paths"])
    # A path that is not there is one that Chromium reports.
    dashboard.allowed = [] if explains else ["404"]
    page.get_by_label("Model").fill("chat")
    page.get_by_label("Message").fill("Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".answer")).to_have_text("A good answer from the mock upstream.")
    expect(page.get_by_text("first token")).to_be_visible()
    if explains:
        plan = page.locator("section").filter(has=page.get_by_role("heading", name="How it is routed"))
        expect(plan).to_contain_text("Asked first: main/small, then spare/small.")
        rows = plan.get_by_role("region", name="Candidates").locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("1.")
        expect(rows.first).to_contain_text("kept")
        expect(plan.locator("pre")).to_be_hidden()
        page.screenshot(path=SCREENSHOTS / "explain.png", full_page=True)
        # One whose circuit is open is dropped, and says why.
        page.get_by_label("Model").fill("unsteady")
        page.get_by_role("button", name="Send").click()
        expect(plan).to_contain_text("Asked first: spare/small.")
        expect(rows.last).to_contain_text("main/bad")
        expect(rows.last).to_contain_text("dropped")
        expect(rows.last).to_contain_text("open")
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        for fault in Axe().run(page).response["violations"]:
            assert fault["impact"] not in ("serious", "critical"), fault["help"]
        page.screenshot(path=SCREENSHOTS / "explain-dropped.png", full_page=True)
    page.get_by_label("Model").fill(traffic.hostile_name)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".answer")).to_have_text(HOSTILE)


@pytest.mark.parametrize("dashboard", [LOOKS["dark"], LOOKS["phone"]], ids=["dark", "phone"], indirect=True)
def test_a_decision_can_be_read(dashboard, traffic, request):
    page = dashboard.log_in().open("Playground")
    page.get_by_label("Model").fill("unsteady")
    page.get_by_label("Message").fill("Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("region", name="Candidates")).to_be_visible()
    expect(page.get_by_text("first token")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / f"explain-{request.node.callspec.id}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    for fault in Axe().run(page).response["violations"]:
        assert fault["impact"] not in ("serious", "critical"), fault["help"]


def test_alerts_and_objectives_are_shown(dashboard, traffic):
    page = dashboard.log_in().open("Alerts")
    row = page.get_by_role("row", name=re.compile("breaker_open"))
    expect(row.first).to_contain_text("main/bad")
    expect(page.get_by_role("row", name=re.compile("availability"))).to_contain_text("99.9")


def test_it_works_by_keyboard(dashboard, traffic):
    page = dashboard.log_in().page
    page.keyboard.press("Tab")
    seen = set()
    for _ in range(20):
        seen.add(page.evaluate("document.activeElement.textContent"))
        page.keyboard.press("Tab")
    assert {"Skip to content", "Providers", "Playground"} <= {each.strip() for each in seen}


@pytest.mark.parametrize("dashboard", LOOKS.values(), ids=LOOKS.keys(), indirect=True)
def test_every_page_can_be_read(dashboard, traffic, request):
    look = request.node.callspec.id
    dashboard.log_in()
    found = []
    for name in PAGES:
        page = dashboard.open(name)
        expect(page.get_by_text("Loading …")).to_have_count(0)
        expect(page.locator("main .card, main table, main .tile").first).to_be_visible()
        page.screenshot(path=SCREENSHOTS / f"{name.lower()}-{look}.png", full_page=True)
        for nonsense in ["undefined", "[object", "NaN"]:
            assert nonsense not in page.inner_text("main"), (name, nonsense)
        # Nothing but tables, which scroll by themselves, is wider than the window.
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append(f"{name}: {wide} pixels too wide")
        for fault in Axe().run(page).response["violations"]:
            if fault["impact"] in ("serious", "critical"):
                nodes = "; ".join(node["html"][:120] for node in fault["nodes"][:3])
                found.append(f"{name}: {fault['id']}: {fault['help']}: {nodes}")
    assert found == []
