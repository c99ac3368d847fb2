"""An act is one class: a new subclass is served, documented and refused like every other, and nothing else changes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from app.domain.case import Case
from app.domain.events import PublicEvent, _of_acts
from app.domain.lifecycle import ACTS, SYSTEM, Act, Moment
from app.domain.policy import Rules
from app.domain.texts import LongText
from app.domain.vocabulary import Scope, State
from app.main import api_routes, describe
from app.web.document import make_document
from docs.generate import act_table, state_diagram
from tests.databases import Databases
from tests.service import MONDAY, Clock, Service, person, running

pytestmark = pytest.mark.usefixtures("restored_acts")

DOCSTRING = "A colleague praises the idea, in words of their own."


def make_act() -> type[Act]:
    """The whole of a new act."""

    class PraiseWarmly(Act, scope=(Scope.RAISE, Scope.REVIEW), leaves=State.SUBMITTED, enters=State.ACKNOWLEDGED):
        """A colleague praises the idea, in words of their own."""

        words: LongText
        stars: int | None = None

    return PraiseWarmly


@pytest.fixture
def service_with_the_act(
    databases: Databases, database_kind: str, tmp_path: Path, restored_acts: None
) -> Iterator[Service]:
    """A service of this test alone, started when the act was there."""
    make_act()
    url = databases.clone(database_kind)
    with running(url, tmp_path, Clock()) as service:
        yield service
    databases.drop(url)


def test_it_is_served_and_listed(service_with_the_act: Service) -> None:
    tenant = service_with_the_act.tenant()
    id = tenant.all.submit()["id"]
    assert "praise_warmly" in tenant.all.suggestion(id)["allowed_acts"]
    praised = tenant.all.acted(id, "praise_warmly", actor=person("cw-1", "care_worker"), words="Well seen.")
    assert (praised["event"]["type"], praised["suggestion"]["state"], praised["suggestion"]["version"]) == (
        "suggestion.praise_warmly",
        "acknowledged",
        2,
    )
    assert tenant.all.timeline(id)[-1]["data"]["words"] == "Well seen."
    again = tenant.all.try_act(id, "praise_warmly", words="Well seen.")
    problem = again.json()
    assert (again.status_code, problem["code"], problem["state"]) == (409, "act_not_allowed", "acknowledged")
    assert "praise_warmly" not in problem["allowed_acts"]


def test_its_fields_and_scopes_are_held_to(service_with_the_act: Service) -> None:
    tenant = service_with_the_act.tenant()
    id = tenant.all.submit()["id"]
    wrong = tenant.all.try_act(id, "praise_warmly", stars="five")
    assert (wrong.status_code, sorted((one["pointer"], one["code"]) for one in wrong.json()["errors"])) == (
        422,
        [("/stars", "wrong_type"), ("/words", "missing")],
    )
    personal = tenant.all.try_act(id, "praise_warmly", words="She is 943 476 5919.")
    assert (personal.status_code, personal.json()["code"]) == (422, "personal_data")
    assert tenant.key("raise").try_act(id, "praise_warmly", words="").status_code == 422
    assert tenant.key("review").try_act(id, "praise_warmly", words="").status_code == 422
    refused = tenant.key("read", "decide", "admin").try_act(id, "praise_warmly", words="Well seen.")
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")


def test_it_is_documented() -> None:
    make_act()
    document = make_document(describe(api_routes()))
    operation = document["paths"]["/v1/suggestions/{id}/acts/praise_warmly"]["post"]
    assert (operation["operationId"], operation["tags"], operation["security"]) == (
        "praiseWarmly",
        ["acts"],
        [{"key": ["raise"]}, {"key": ["review"]}],
    )
    assert DOCSTRING.rstrip(".") in f"{operation['summary']} {operation.get('description', '')}"
    schema = document["components"]["schemas"]["PraiseWarmlyRequest"]
    assert (schema["required"], sorted(schema["properties"]), schema["additionalProperties"]) == (
        ["words", "actor"],
        ["actor", "stars", "words"],
        False,
    )
    assert PublicEvent("suggestion.praise_warmly", DOCSTRING) in tuple(_of_acts())


def test_it_is_in_the_tables_and_the_diagram_of_the_documents() -> None:
    make_act()
    [drawn] = [line for line in state_diagram().splitlines() if "praise_warmly" in line]
    assert drawn.strip() == "submitted --> acknowledged: acknowledge, praise_warmly"
    [row] = [line for line in act_table().splitlines() if "praise_warmly" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        "`praise_warmly`",
        "`raise` or `review`",
        "`submitted`",
        "`acknowledged`",
        "`suggestion.praise_warmly`",
    ]


def test_without_a_key_scope_it_has_no_route() -> None:
    class TickOver(Act, scope=SYSTEM, leaves=State.SUBMITTED):
        """A rule does it."""

    paths = {route.path for route in api_routes()}
    assert [path for path in paths if "tick_over" in path] == []
    assert ACTS["tick_over"] is TickOver


def test_a_request_model_derived_from_an_act_is_no_act() -> None:
    made = make_act()
    before = dict(ACTS)

    class WithMore(made):  # type: ignore[misc, valid-type]  # the class is made by a function
        more: str = ""

    assert before == ACTS
    assert WithMore.transition is made.transition


def make_second_vote() -> None:
    class Vote(Act, scope=Scope.DECIDE, leaves=State.SUBMITTED):
        """A second vote."""


def make_undescribed() -> None:
    class Undescribed(Act, scope=Scope.DECIDE, leaves=State.SUBMITTED):
        pass


@pytest.mark.parametrize(("make", "name"), [(make_second_vote, "vote"), (make_undescribed, "undescribed")])
def test_a_second_act_of_a_name_and_one_without_its_text_are_mistakes(make: Callable[[], None], name: str) -> None:
    with pytest.raises(TypeError, match=f"act {name}: a second one, or without the docstring"):
        make()


def test_an_act_cannot_enter_a_state_that_its_row_does_not_name() -> None:
    class Wander(Act, scope=Scope.DECIDE, leaves=State.SUBMITTED, enters=(State.DECIDED, State.CLOSED)):
        """It goes where it should not."""

        def apply(self, case: Case, at: Moment) -> Case:
            """Nowhere that its row names."""
            return case

    moment = Moment(now=MONDAY, event_id=UUID(int=1), rules=Rules())
    with pytest.raises(AssertionError, match="wander may not enter submitted"):
        Wander().performed_on(Case(id=moment.event_id), moment)
