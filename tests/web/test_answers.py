from app.kit.shapes import Shape
from app.web.answers import NO_CONTENT, Shown, etag_of, matches_none_of, page, plain, single


class Thing(Shape):
    name: str
    note: str | None = None


BODY = '{"name":"Wäsche","note":null}'.encode()
TAG = etag_of(BODY, 7)


def test_a_single_resource_has_its_version_in_its_tag() -> None:
    assert TAG.startswith('"7-')
    assert single(Thing(name="Wäsche"), 7) == Shown(BODY, 200, TAG)
    assert single(Thing(name="Wäsche"), 7, status=201, location="/x", headers={"A": "b"}) == Shown(
        BODY, 201, TAG, {"Location": "/x", "A": "b"}
    )


def test_a_tag_without_a_version_is_a_hash_alone() -> None:
    assert etag_of(BODY).strip('"') == TAG.strip('"').partition("-")[2]


def test_what_is_no_resource_has_no_tag() -> None:
    assert plain(Thing(name="Wäsche")) == Shown(BODY)
    assert plain(Thing(name="Wäsche"), status=202, headers={"A": "b"}) == Shown(BODY, 202, None, {"A": "b"})


def test_a_page_links_to_the_next_one() -> None:
    assert page(Thing(name="Wäsche"), None) == Shown(BODY)
    assert page(Thing(name="Wäsche"), "/x?cursor=y") == Shown(BODY, headers={"Link": '</x?cursor=y>; rel="next"'})


def test_a_response_has_what_was_shown() -> None:
    response = single(Thing(name="Wäsche"), 7, status=201, location="/x").replayed().response()
    assert (response.status_code, response.body) == (201, BODY)
    assert dict(response.headers) == {
        "location": "/x",
        "idempotent-replayed": "true",
        "etag": TAG,
        "content-length": str(len(BODY)),
        "content-type": "application/json",
    }


def test_nothing_is_said_with_no_content() -> None:
    response = NO_CONTENT.response()
    assert (response.status_code, response.body, dict(response.headers)) == (204, b"", {})


def test_tags_are_compared_weakly() -> None:
    assert not matches_none_of([TAG], TAG)
    assert not matches_none_of([f"W/{TAG}"], TAG)
    assert not matches_none_of(['"a",  "b"', f'"c",{TAG}'], TAG)
    assert not matches_none_of(["*"], TAG)
    assert matches_none_of(['"7-0000"', '"7"', "nonsense"], TAG)
    assert matches_none_of([], TAG)
