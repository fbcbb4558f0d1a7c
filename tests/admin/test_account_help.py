"""Help with accounts: invitations, confirmations, resets, the last sign-in; asked first, recorded and limited."""

import os

import pytest

from identity import accounts, cognito, email_addresses, errors, profiles, sign_ins
from identity.tries import MAILS_MOST, Visitor
from store import audit
from tasks import selectors
from tests.web.totp import totp

INVITE = "tasks/user/invite/"


@pytest.fixture
def pool():
    return os.environ["USER_POOL_ID"]


@pytest.fixture
def sent(monkeypatch):
    """The calls to Cognito that send mail, as (operation, arguments); they are made."""
    made, call = [], cognito.client()._make_api_call

    def remember(operation, arguments):
        if operation in {"AdminCreateUser", "AdminResetUserPassword", "ResendConfirmationCode"}:
            made.append((operation, arguments))
        return call(operation, arguments)

    monkeypatch.setattr(cognito.client(), "_make_api_call", remember)
    return made


@pytest.fixture
def invited(root):
    """Somebody an admin has just added, who has not signed in."""
    email = f"new-{os.urandom(4).hex()}@example.com"
    assert root.save("tasks/user/add/", email=email, name="New").status_code == 302
    return profiles.get_profile(email_addresses.holder_of(email))


def help_of(account):
    return f"tasks/user/{account.id}/help/"


def do(admin, account, what):
    return admin.send(help_of(account), {"do": what}, follow=True).content.decode()


def actions(account):
    return [entry.action for entry in audit.history("user", account.id)]


def test_an_invitation_is_sent_again(root, invited, sent):
    page = root.page(help_of(invited))
    assert "invited, has not signed in yet" in page
    assert "Send the invitation again" in page
    assert "Send a password reset" not in page
    asked = root.page(f"{help_of(invited)}?do=resend+invitation")
    assert f"goes to {invited.email}. The old one no longer works." in asked
    assert sent == []
    assert f"The invitation was sent again to {invited.email}." in do(root, invited, "resend invitation")
    ((operation, arguments),) = sent
    assert (operation, arguments["MessageAction"]) == ("AdminCreateUser", "RESEND")
    assert actions(invited) == ["resend invitation", "add"]


def test_a_confirmation_is_sent_again(root, known, make_account, sent):
    email = f"self-{os.urandom(4).hex()}@example.com"
    username = accounts.sign_up(Visitor("198.51.100.7"), email, "four-words-nobody-guesses", "Selma", "Self")
    (user,) = cognito.client().list_users(UserPoolId=os.environ["USER_POOL_ID"], Filter=f'email = "{email}"')[
        "Users"
    ]
    account = known(make_account("Selma").__class__(user_id(user), email, username, "Selma Self"))
    assert "has not confirmed the e-mail address yet" in root.page(help_of(account))
    assert f"Another confirmation code was sent to {email}." in do(root, account, "resend confirmation")
    assert [operation for operation, _ in sent] == ["ResendConfirmationCode"]


def user_id(user):
    return next(pair["Value"] for pair in user["Attributes"] if pair["Name"] == "sub")


def test_a_password_is_reset(root, alice, known, sent):
    known(alice)
    assert f"goes to {alice.email}" in root.page(f"{help_of(alice)}?do=reset+password")
    assert cognito.sign_in(alice.email, alice.password)
    assert "The password was reset" in do(root, alice, "reset password")
    assert [operation for operation, _ in sent] == ["AdminResetUserPassword"]
    with pytest.raises(errors.PasswordResetRequired):
        cognito.sign_in(alice.email, alice.password)
    assert actions(alice) == ["reset password"]
    assert "has to set a new password" in root.page(help_of(alice))


def test_the_second_factor_is_shown_and_removed(root, alice, known):
    known(alice)
    assert "<td>off</td>" in root.page(help_of(alice))
    issued = cognito.sign_in(alice.email, alice.password)
    accounts.finish_totp(issued.access_token, totp(accounts.begin_totp(issued.access_token)))
    assert "on: an authenticator app" in root.page(help_of(alice))
    assert "can sign in without a second factor" in do(root, alice, "remove second factor")
    assert "<td>off</td>" in root.page(help_of(alice))
    assert actions(alice) == ["remove second factor"]


def test_what_does_not_fit_the_state_of_an_account_is_refused(root, alice, known, sent):
    known(alice)
    for what in ("resend invitation", "resend confirmation"):
        assert "cannot be sent to an account in this state" in do(root, alice, what)
    do(root, alice, "anything else")
    root.carry_out("tasks/user/", "disable", alice.id)
    assert "cannot be sent" in do(root, alice, "reset password")
    assert sent == []
    assert actions(alice) == ["disable"]


def test_the_last_sign_in_is_shown(root, alice, known, client_for):
    known(alice)
    assert "not known" in root.page(help_of(alice))
    client_for(alice)
    at = sign_ins.last_of(alice.id)
    assert f"{at[:10]} {at[11:19]} UTC" in root.page(help_of(alice))


def test_a_sign_in_that_cannot_be_remembered_is_one_all_the_same(alice, client_for, monkeypatch, api):
    from botocore.exceptions import EndpointConnectionError

    def unreachable(_):
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(sign_ins, "write", unreachable)
    assert client_for(alice).get("/account/").status_code == 200


def test_mails_to_one_person_are_limited_whoever_causes_them(root, other_root, alice, known, sent, client):
    known(alice)
    client.post("/password/forgotten/", {"identifier": alice.email})
    for _ in range(MAILS_MOST - 1):
        assert "The password was reset" in do(root, alice, "reset password")
    refused = "No more e-mails can be sent to this person, or by you, for now. Try again in 60 minutes."
    assert refused in do(other_root, alice, "reset password")
    assert len(sent) == MAILS_MOST - 1
    assert actions(alice) == ["reset password"] * (MAILS_MOST - 1), "what was not done is not recorded"


@pytest.mark.parametrize("what", ["resend invitation", "resend confirmation"])
def test_each_kind_of_mail_counts(root, known, make_account, invited, sent, settings, what):
    account = invited
    if what == "resend confirmation":
        email = f"self-{os.urandom(4).hex()}@example.com"
        username = accounts.sign_up(Visitor("198.51.100.7"), email, "four-words-nobody-guesses", "S", "S")
        (user,) = cognito.client().list_users(
            UserPoolId=os.environ["USER_POOL_ID"], Filter=f'email = "{email}"'
        )["Users"]
        account = known(make_account("Selma").__class__(user_id(user), email, username, "Selma"))
    settings.MAILS_PER_NETWORK = 3
    for _ in range(3):
        do(root, account, what)
    assert "No more e-mails can be sent" in do(root, account, what)


def test_one_admin_causes_so_many_mails(root, other_root, alice, bob, known, sent, settings):
    settings.MAILS_PER_NETWORK = 1
    known(alice), known(bob)
    assert "The password was reset" in do(root, alice, "reset password")
    assert "No more e-mails can be sent" in do(root, bob, "reset password")
    assert "You may send 0 more" in root.send(INVITE, {"addresses": "x@example.com"}).content.decode()
    assert "The password was reset" in do(other_root, bob, "reset password")


def test_people_are_invited_together_after_a_question(root, alice, known, sent):
    known(alice)
    tag = os.urandom(4).hex()
    new = [f"a-{tag}@example.com", f"b-{tag}@example.com"]
    pasted = f"{new[0]}\r\nBea <{new[1]}>; {new[0].upper()},\r\n{alice.email}"
    page = root.send(INVITE, {"addresses": pasted, "roles": ["viewers"]}).content.decode()
    assert "Invite 3 people?" in page
    assert sent == []
    sure = {"addresses": ", ".join([*new, alice.email]), "roles": ["viewers"], "sure": "1"}
    page = root.send(INVITE, sure).content.decode()
    assert "2 people were invited." in page
    assert "Another user has this e-mail address." in page
    assert [arguments["DesiredDeliveryMediums"] for _, arguments in sent] == [["EMAIL"], ["EMAIL"]]
    profile = profiles.get_profile(email_addresses.holder_of(new[1]))
    assert (profile.roles, actions(profile)) == (["viewers"], ["add"])
    assert "0 people were invited." in root.send(INVITE, sure).content.decode()


@pytest.mark.parametrize(
    ("pasted", "problem"),
    [
        ("nobody", "Not an e-mail address: nobody"),
        ("a@example.com\nb@", "Not an e-mail address: b@"),
        (", ".join(f"p{number}@example.com" for number in range(26)), "At most 25 people"),
        ("", "This field is required"),
    ],
)
def test_addresses_that_cannot_be_invited(root, pasted, problem, sent):
    page = root.send(INVITE, {"addresses": pasted, "sure": "1"}).content.decode()
    assert problem in page
    assert sent == []


def test_viewers_see_but_send_nothing(viewer, alice, known, sent):
    known(alice)
    page = viewer.page(help_of(alice))
    assert "confirmed" in page
    assert "Send a password reset" not in page
    assert viewer.send(help_of(alice), {"do": "reset password"}).status_code == 403
    assert viewer.get(INVITE).status_code == 403
    assert "Invite people" not in viewer.page("tasks/user/")
    assert sent == []


def test_people_without_a_role_and_missing_users(admin_of, alice, bob, root):
    assert admin_of(alice).get(help_of(bob)).status_code == 403
    assert admin_of(alice).get(INVITE).status_code == 403
    assert root.get("tasks/user/nobody/help/").status_code == 302


def test_the_list_shows_roles(root, alice, known):
    known(alice)
    root.save(f"tasks/user/{alice.id}/change/", roles=["managers"])
    assert '<td class="field-kept_roles">Managers</td>' in root.page(f"tasks/user/?q={alice.email}")


def test_a_task_is_saved_as_another_one(root, alice, known, add):
    known(alice)
    task = add("Pay rent", category="Home")
    path = f"tasks/task/{alice.id}.{task.id}/change/"
    answer = root.save(path, title="Pay rent again", _saveasnew="Save as new")
    assert answer.status_code == 302
    found = {one.title: one for one in selectors.list_tasks(alice.id).items}
    assert set(found) == {"Pay rent", "Pay rent again"}
    assert found["Pay rent again"].category == "Home"
