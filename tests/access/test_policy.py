"""What the policy decides, whatever was granted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from access.policy import ALLOWED, OF_THE_INSTALLATION, Action, actions, allows, decide, masks, visible
from access.principal import EVERY, LOCAL, Grant, Principal
from errors import AccountNeeded, Forbidden, NotFound

USERS, CREATORS = ("u1", "u2"), ("c1", "c2")
OF_ACCOUNTS = [each for each in Action if each not in OF_THE_INSTALLATION]
READING = {Action.READ_CHATS, Action.READ_TEXT, Action.READ_NUMBERS}

creators = st.sampled_from([None, *CREATORS])
grants_ = st.one_of(
    st.just(Grant(role="admin", user_id=EVERY)),
    st.builds(
        Grant,
        role=st.sampled_from(["agent", "chatter", "analyst", "owner"]),
        user_id=st.just(EVERY),
        with_text=st.booleans(),
    ),
    st.builds(
        Grant,
        role=st.sampled_from(["agent", "chatter", "analyst", "owner"]),
        user_id=st.sampled_from(USERS),
        creator_id=creators,
        with_text=st.booleans(),
    ),
)
principals = st.builds(
    Principal, id=st.just("key:1"), name=st.just("k"), grants=st.lists(grants_, max_size=4).map(tuple)
)
account_actions = st.sampled_from(OF_ACCOUNTS)
users = st.sampled_from([None, *USERS])


@given(principals, account_actions, users, creators)
def test_what_is_allowed_is_in_one_grant_that_covers_all_that_is_asked_for(
    principal: Principal, action: Action, user: str | None, creator: str | None
) -> None:
    expected = any(
        action in actions(grant)
        and grant.user_id in ({EVERY} if user is None else {EVERY, user})
        and grant.creator_id in {None, creator}
        for grant in principal.grants
    )
    assert allows(principal, action, user, creator) == expected


@given(principals, account_actions, st.sampled_from(USERS), creators)
def test_an_account_without_any_grant_is_not_told_from_one_that_is_not_there(
    principal: Principal, action: Action, user: str, creator: str | None
) -> None:
    accounts = [
        grant
        for grant in principal.grants
        if grant.role != "admin"
        and grant.user_id in (EVERY, user)
        and creator in (None, grant.creator_id, *(CREATORS if grant.creator_id is None else ()))
    ]
    if accounts:
        return
    with pytest.raises(NotFound) as here:
        decide(principal, action, user, creator)
    with pytest.raises(NotFound) as nowhere:
        decide(Principal(id="key:2", name="k"), action, "no-such-user", "no-such-creator")
    assert str(here.value) == str(nowhere.value)
    assert here.value.detail is None


@given(principals, account_actions, users, creators)
def test_a_refusal_names_no_account_but_those_that_may_be_asked_about(
    principal: Principal, action: Action, user: str | None, creator: str | None
) -> None:
    try:
        decide(principal, action, user, creator)
    except AccountNeeded as error:
        [asked] = error.detail
        told = None
        assert asked["among"]
        for each in asked["among"]:
            if asked["field"] == "creator_id":
                decide(principal, action, user, each)
            else:
                assert any(action in actions(grant) and grant.user_id == each for grant in principal.grants)
    except (Forbidden, NotFound) as error:
        told = error.detail
    else:
        told = None
    assert told is None


@given(principals, st.sampled_from(list(Action)), users, creators, grants_)
def test_one_more_grant_never_takes_anything_away(
    principal: Principal, action: Action, user: str | None, creator: str | None, more: Grant
) -> None:
    richer = principal.model_copy(update={"grants": (*principal.grants, more)})
    assert allows(principal, action, user, creator) <= allows(richer, action, user, creator)


@given(principals, account_actions, st.sampled_from(USERS), st.sampled_from(CREATORS))
def test_who_may_for_all_may_for_each(principal: Principal, action: Action, user: str, creator: str) -> None:
    assert allows(principal, action) <= allows(principal, action, user)
    assert allows(principal, action, user) <= allows(principal, action, user, creator)


@given(principals)
def test_users_that_are_shown_are_those_whose_figures_may_be_read(principal: Principal) -> None:
    seen = visible(principal, dict.fromkeys(USERS, CREATORS))
    for user in USERS:
        for creator in CREATORS:
            assert (creator in seen.get(user, [])) == allows(principal, Action.READ_NUMBERS, user, creator)


@given(principals, users, creators, st.sampled_from([None, True, False]))
def test_names_are_shown_to_nobody_but_who_may_read_them_and_did_not_ask_for_a_mask(
    principal: Principal, user: str | None, creator: str | None, asked: bool | None
) -> None:
    may = allows(principal, Action.READ_NAMES, user, creator)
    if not may and asked is False:
        with pytest.raises(Forbidden):
            masks(principal, asked, user, creator)
    else:
        assert masks(principal, asked, user, creator) == (not may or asked is True)


@given(grants_)
def test_who_may_read_names_may_read_text_and_an_analyst_never_may(grant: Grant) -> None:
    if Action.READ_NAMES in actions(grant):
        assert actions(grant) >= READING
        assert grant.role != "analyst"


def test_an_admin_reads_no_chats_and_an_analyst_no_text_unless_it_was_granted() -> None:
    assert not ALLOWED["admin"] & set(OF_ACCOUNTS)
    assert actions(Grant(role="analyst", user_id="u1")) == {Action.READ_NUMBERS}
    assert actions(Grant(role="analyst", user_id="u1", with_text=True)) == READING | {Action.CORRECT}
    assert actions(Grant(role="agent", user_id="u1", with_text=True)) == {Action.INGEST}


def test_held_input_takes_a_role_on_all_of_the_user() -> None:
    principal = Principal(id="k", name="k", grants=(Grant(role="owner", user_id="u1", creator_id="c1"),))
    with pytest.raises(Forbidden):
        decide(principal, Action.MANAGE_HELD, "u1")


def test_who_asks_nobody_for_a_key_may_all() -> None:
    assert all(allows(LOCAL, action) and allows(LOCAL, action, "u1", "c1") for action in Action)


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "root", "user_id": "u1"},
        {"role": "owner", "user_id": ""},
        {"role": "owner", "user_id": "*", "creator_id": "c1"},
        {"role": "admin", "user_id": "u1"},
        {"role": "owner", "user_id": "u1", "more": 1},
        {"role": "owner", "user_id": "u1\n"},
    ],
)
def test_what_is_no_grant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Grant.model_validate(wrong)
