"""The API reference in a real browser: it must work under its own policy, and ask no other server for anything."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.web.example import Example
from tests.web.serving import serving

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(Example().app) as port:
        yield f"http://127.0.0.1:{port}"


def test_it_shows_every_operation_and_breaks_no_policy(browser: Browser, address: str) -> None:
    page = browser.new_page()
    messages: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/docs")
    page.wait_for_selector(".opblock")
    paths = page.locator(".opblock-summary-path").all_inner_texts()
    page.locator("#operations-suggestions-createSuggestion .opblock-summary-control").click()
    page.wait_for_selector("#operations-suggestions-createSuggestion .responses-wrapper")
    assert "12 minutes apart" in page.locator("#operations-suggestions-createSuggestion").inner_text()
    page.close()
    assert len(paths) == 13  # twelve operations and one event
    assert messages == []
    assert {url.removeprefix(address).partition("?")[0] for url in asked if not url.startswith("data:")} <= {
        "/docs",
        "/static/page.css",
        "/static/docs.js",
        "/static/icon.svg",
        "/static/swagger-ui/swagger-ui.css",
        "/static/swagger-ui/swagger-ui-bundle.js",
        "/openapi.json",
    }


def test_a_request_can_be_tried_with_a_key(browser: Browser) -> None:
    example = Example()
    key = example.make_key("read")
    with serving(example.app) as port:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/docs")
        page.locator(".auth-wrapper .authorize").click()
        page.locator("#auth-bearer-value").first.fill(key)
        page.locator(".auth-btn-wrapper .authorize").first.click()
        page.locator(".btn-done").first.click()
        operation = page.locator("#operations-suggestions-listSuggestions")
        operation.locator(".opblock-summary-control").click()
        operation.locator(".try-out__btn").click()
        operation.locator(".execute").click()
        page.wait_for_selector("#operations-suggestions-listSuggestions .live-responses-table")
        shown = operation.locator(".live-responses-table").inner_text()
        page.close()
    assert "Pair the calls." in shown
