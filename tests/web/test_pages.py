import gzip
import html
import json
import re

import pytest

from app.web.problem_responses import example_of
from app.web.problem_texts import PROBLEMS
from tests.web.client import client_of
from tests.web.example import Example


@pytest.mark.parametrize("path", ["/", "/docs", "/problems/invalid"])
def test_a_page_is_html_for_everybody(example: Example, path: str) -> None:
    answer = client_of(example).get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith('<!doctype html>\n<html lang="en-GB">')
    assert len(re.findall("<main", answer.text)) == len(re.findall("<title>", answer.text)) == 1


@pytest.mark.parametrize("path", ["/", "/docs", "/problems/invalid"])
def test_every_link_of_a_page_leads_somewhere(example: Example, path: str) -> None:
    client = client_of(example)
    links = set(re.findall(r'(?:href|src)="([^"#]+)"', client.get(path).text))
    assert links
    assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)
    assert all(link.startswith("/") for link in links)


@pytest.mark.parametrize("path", ["/", "/docs", "/problems/invalid"])
def test_a_page_has_no_script_or_style_of_its_own(example: Example, path: str) -> None:
    text = client_of(example).get(path).text
    assert re.findall(r"<style|<script(?! src=)|\sstyle=|\son\w+=|https?://", text) == []


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_code_has_a_page_that_explains_it(example: Example, code: str) -> None:
    answer = client_of(example).get(f"/problems/{code}")
    words = html.unescape(re.sub(r"<[^>]+>", "", answer.text))
    text = PROBLEMS[code]
    assert answer.status_code == 200
    for part in (text.title, text.cause, text.cure, code, json.dumps(example_of(code), indent=2, ensure_ascii=False)):
        assert part in words


@pytest.mark.parametrize("code", ["nothing", "Invalid", "invalid%20", "%3Cscript%3E"])
def test_an_unknown_code_has_none(example: Example, code: str) -> None:
    answer = client_of(example).get(f"/problems/{code}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("page.css", "text/css; charset=utf-8"),
        ("docs.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("swagger-ui/swagger-ui.css", "text/css; charset=utf-8"),
        ("swagger-ui/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ],
)
def test_a_static_file_has_its_type_and_tag(example: Example, name: str, media_type: str) -> None:
    client = client_of(example)
    answer = client.get(f"/static/{name}", headers={"Accept-Encoding": "identity"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    etag = answer.headers["ETag"]
    again = client.get(f"/static/{name}", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)


def test_a_static_file_comes_compressed_to_those_who_take_it(example: Example) -> None:
    client = client_of(example)
    plain = client.get("/static/page.css", headers={"Accept-Encoding": "identity"})
    small = client.get("/static/page.css", headers={"Accept-Encoding": "gzip, br"})
    assert (plain.headers.get("Content-Encoding"), small.headers["Content-Encoding"]) == (None, "gzip")
    assert small.content == plain.content
    assert int(small.headers["Content-Length"]) == len(gzip.compress(plain.content, mtime=0))
    assert (small.headers["ETag"], small.headers["Vary"]) == (f"W/{plain.headers['ETag']}", "Accept-Encoding")
    again = client.get("/static/page.css", headers={"If-None-Match": small.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nothing.js",
        "swagger-ui/LICENSE",
        "swagger-ui",
        "..%2Fpages.py",
        "%2e%2e/pages.py",
        "page.css/",
        "/page.css",
    ],
)
def test_nothing_else_is_served(example: Example, name: str) -> None:
    answer = client_of(example).get(f"/static/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_pages_take_no_parameters(example: Example) -> None:
    answer = client_of(example).get("/docs?theme=dark")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?theme")


def test_only_the_api_reference_needs_more_than_its_own_origin(example: Example) -> None:
    client = client_of(example)
    policies = {path: client.get(path).headers["Content-Security-Policy"] for path in ("/", "/docs")}
    rest = "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    assert policies == {"/": f"default-src 'self'{rest}", "/docs": f"default-src 'self'; img-src 'self' data:{rest}"}
