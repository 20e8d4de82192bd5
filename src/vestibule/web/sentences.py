"""What a person reads when something is refused: plain words, chosen by the refusal's code, without an internal name."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """`title` says what is the matter, `what` why as far as it concerns the person, `remedy` what to do now."""

    title: str
    what: str
    remedy: str


_AGAIN = "Start again from your company portal or from the application."
_TELL = "If it happens again, tell support and mention the reference below."
_ADMINISTRATOR = "Please tell your administrator or support, and mention the reference below."

_UNACCEPTABLE = Sentence(
    title="We could not accept this sign-in",
    what="Your company's sign-in service sent something we could not accept, so you have not been signed in.",
    remedy=f"{_AGAIN} {_TELL}",
)
_USED = Sentence(
    title="This sign-in was already used",
    what="Every sign-in works once. This one was used before: the page may have been reloaded, or opened with the back button.",
    remedy=_AGAIN,
)
_STALE = Sentence(
    title="This page is too old",
    what="The question on it was already answered, or it waited too long for an answer. Nothing has been changed.",
    remedy=_AGAIN,
)
_TOO_LARGE = Sentence(
    title="That was too much at once",
    what="What your browser sent is larger than we accept, so you have not been signed in.",
    remedy=_ADMINISTRATOR,
)
_NO_CONNECTION = Sentence(
    title="This sign-in is not available",
    what="Signing in through this company's sign-in service is not possible at the moment.",
    remedy=_ADMINISTRATOR,
)
_NO_APPLICATION = Sentence(
    title="This application is not available",
    what="The application that you want to sign in to is unknown here, or has been switched off.",
    remedy="Check the link or bookmark that you used. " + _ADMINISTRATOR,
)
_BLOCKED = Sentence(
    title="Your access has been blocked",
    what="Your account exists, but an administrator has blocked it.",
    remedy="If you think that this is a mistake, talk to your administrator.",
)
_NOT_FOR_THIS = Sentence(
    title="Not for this application",
    what="Your company's sign-in service is not set up for the application that you want to use.",
    remedy=_ADMINISTRATOR,
)
_WAY_BACK = Sentence(
    title="We do not know the way back",
    what="The application asked us to send you to an address that is not registered for it, so we did not.",
    remedy=_ADMINISTRATOR,
)
_NOTHING_HERE = Sentence(
    title="There is nothing here",
    what="This address does not lead to a page.",
    remedy="Check the address, or start from your company portal or from the application.",
)
_NOT_SURE = Sentence(
    title="Please try once more",
    what="We could not make sure that it was you who sent this form. "
    "It may have been open for too long, or your browser blocks cookies.",
    remedy=f"{_AGAIN} Cookies must be allowed for this site.",
)
_BUSY = Sentence(
    title="We will be back shortly",
    what="Something that we need for signing in cannot be reached right now. It is not your doing.",
    remedy="Wait a moment, then try again.",
)

SENTENCES: Mapping[str, Sentence] = {
    "": Sentence(
        title="Something went wrong",
        what="You have not been signed in. The reason has been recorded under the reference below.",
        remedy=f"{_AGAIN} {_TELL}",
    ),
    "idp_initiated": Sentence(
        title="This tile leads nowhere yet",
        what="Your company portal sent you here, but where to take you from here is not set up properly.",
        remedy=f"Try to start from the application itself. {_ADMINISTRATOR}",
    ),
    "idp_initiated.disabled": Sentence(
        title="Please start from the application",
        what="Signing in by a tile in your company portal is not switched on for your company.",
        remedy="Open the application itself and sign in there. Your administrator can switch tiles on.",
    ),
    "idp_initiated.application_disabled": _NO_APPLICATION,
    "idp_initiated.application_not_enabled": _NOT_FOR_THIS,
    "idp_initiated.moved": _STALE,
    "idp_initiated.unknown_relay_state": Sentence(
        title="This tile leads nowhere yet",
        what="Your company portal asked for a destination that is not known here.",
        remedy=f"Try another tile, or start from the application itself. {_ADMINISTRATOR}",
    ),
    "login": _UNACCEPTABLE,
    "login.expired_or_used": Sentence(
        title="This sign-in has expired",
        what="It took too long to finish, or it was already finished, perhaps in another tab.",
        remedy=_AGAIN,
    ),
    "login.other_host": Sentence(
        title="This sign-in started at another address",
        what="It was begun under one web address and came back under another, where your browser keeps nothing of it.",
        remedy=f"Open the application under its usual address and sign in there. {_TELL}",
    ),
    "login.other_browser": Sentence(
        title="This sign-in started in another browser",
        what="It was begun in another browser, another profile or a private window, or your browser blocks cookies.",
        remedy="Go back to the browser in which you started, or start again here. Cookies must be allowed for this site.",
    ),
    "login.unknown_request": Sentence(
        title="We do not know this sign-in",
        what="Your company's sign-in service answered a question that we did not ask, or asked very long ago.",
        remedy=f"{_AGAIN} {_TELL}",
    ),
    "login.arrival_gone": Sentence(
        title="This sign-in has expired",
        what="You came from a tile in your company portal, but going on from there took too long or was already done.",
        remedy="Click the tile once more, in this browser.",
    ),
    "login.stale_question": _STALE,
    "login.loop": Sentence(
        title="Signing in keeps starting over",
        what="Your company's sign-in service sent you back several times without an answer that we could use.",
        remedy=f"Close this window, open the application itself and sign in there. {_TELL}",
    ),
    "saml": _UNACCEPTABLE,
    "saml.status": Sentence(
        title="Your company did not let you in",
        what="Your company's sign-in service refused this sign-in, or it was cancelled there.",
        remedy="Try again. If it goes on, ask your company's IT department whether you may use this application.",
    ),
    "saml.replayed": _USED,
    "saml.before_restore": Sentence(
        title="Please sign in once more",
        what="We have just put our records back from a copy, so we cannot tell whether this sign-in was used before.",
        remedy=_AGAIN,
    ),
    "saml.too_large": _TOO_LARGE,
    "saml.transient_name_id": Sentence(
        title="We could not recognise you",
        what="Your company's sign-in service did not tell us who you are in a way that stays the same from day to day.",
        remedy=_ADMINISTRATOR,
    ),
    "xml": _UNACCEPTABLE,
    "xml.too_large": _TOO_LARGE,
    "identity": Sentence(
        title="We could not recognise you",
        what="Your company's sign-in service did not send what we need to know who you are.",
        remedy=_ADMINISTRATOR,
    ),
    "person": _BLOCKED,
    "person.blocked": _BLOCKED,
    "person.identity_blocked": _BLOCKED,
    "person.not_provisioned": Sentence(
        title="You have no account here yet",
        what="Your company's sign-in service knows you, but here nobody has set up an account for you.",
        remedy="Ask your administrator to add you, then sign in again.",
    ),
    "connection": _NO_CONNECTION,
    "connection.disabled": Sentence(
        title="This sign-in is switched off",
        what="Signing in through your company's sign-in service has been switched off by an administrator.",
        remedy=_ADMINISTRATOR,
    ),
    "connection.not_enabled_for_application": _NOT_FOR_THIS,
    "connection.none_for_application": _NOT_FOR_THIS,
    "application": _NO_APPLICATION,
    "launch": Sentence(
        title="This link does not work",
        what="The bookmark or tile that brought you here is incomplete, or leads somewhere it may not lead.",
        remedy=f"Open the application itself. {_ADMINISTRATOR}",
    ),
    "store": _BUSY,
    "store.unavailable": _BUSY,
    "request": Sentence(
        title="We could not read this request",
        what="The link or form that brought you here is incomplete or damaged.",
        remedy=f"{_AGAIN} {_TELL}",
    ),
    "request.too_large": _TOO_LARGE,
    "request.busy": _BUSY,
    "request.too_slow": Sentence(
        title="That took too long",
        what="What your browser sends arrives too slowly, or has stopped on the way, so you have not been signed in.",
        remedy="Check your internet connection, then try again.",
    ),
    "request.too_many": Sentence(
        title="Please wait a moment",
        what="So many sign-ins failed or were asked for at once, from your network or at your company, that we are taking a "
        "short break.",
        remedy="Wait a minute, then try again. If it goes on, tell your administrator.",
    ),
    "request.not_found": _NOTHING_HERE,
    "request.method": _NOTHING_HERE,
    "request.foreign_origin": _NOT_SURE,
    "oidc": Sentence(
        title="The application asked for something we cannot do",
        what="The application sent you here with a request that is incomplete or not allowed. You have not been signed in.",
        remedy=f"Go back to the application and try again. {_TELL}",
    ),
    "oidc.redirect_uri": _WAY_BACK,
    "oidc.redirect_uri_missing": _WAY_BACK,
    "oidc.redirect_uri_unregistered": _WAY_BACK,
    "oidc.client_missing": _NO_APPLICATION,
    "oidc.client_unknown": _NO_APPLICATION,
    "oidc.invalid_client": _NO_APPLICATION,
    "oidc.unauthorized_client": _NO_APPLICATION,
    "oidc.temporarily_unavailable": _BUSY,
    "csrf": _NOT_SURE,
    "logout": Sentence(
        title="We could not sign you out this way",
        what="The link that brought you here is incomplete, or asks to lead on to an address that is not registered.",
        remedy="Sign out in the application itself, or close all windows of this browser.",
    ),
    "rehearsal": Sentence(
        title="This test sign-in is over",
        what="The link of a test sign-in works once, in one browser, and for a short time.",
        remedy="Start a new test sign-in from your terminal.",
    ),
}
"""Chosen by the longest dotted prefix of a refusal's code; the empty code is for everything else."""


def sentence(code: str) -> Sentence:
    """The sentence for `code`, or for the nearest family that it belongs to."""
    while code and code not in SENTENCES:
        code = code.rpartition(".")[0]
    return SENTENCES[code]
