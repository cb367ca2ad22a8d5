"""The words of a message outside the platform.

Until the list of a lot is frozen, mail, SMS and webhook say of what kind the message is and no more: whoever runs a
mail server or an SMS gateway must not learn from it who follows which lot (R3.51). The sentence waits in the inbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from accounts.notices.kinds import Kind
from accounts.notices.rules import CODE_MINUTES
from foundation import canonical
from foundation.clock import iso
from foundation.i18n import LANGUAGES, Lang, term

INBOX_PATH = "/inbox"
MANNER_PATH = "/account/notices"


@dataclass(frozen=True, slots=True)
class Said:
    """A message as it stands in the inbox. ``is_discreet``: outside, only its kind may be told."""

    code: str
    params: Mapping[str, object]
    link: str
    kind: Kind
    at: datetime
    is_discreet: bool

    @property
    def path(self) -> str:
        return INBOX_PATH if self.is_discreet or not self.link else self.link

    def sentence(self, lang: Lang) -> str:
        if self.is_discreet:
            return term("notice.discreet", lang, kind=term(f"notice_kind.{self.kind}", lang))
        return term(self.code, lang, **self.params)


def mail(said: Said, lang: Lang, origin: str) -> tuple[str, str]:
    """Subject and text of an e-mail: both languages, the reader's first. The subject tells the kind alone."""
    first, second = _both(lang)
    subject = term("notice.subject", first, kind=term(f"notice_kind.{said.kind}", first))
    parts = [
        f"{said.sentence(each)}\n\n{term('notice.open', each, url=origin + said.path)}" for each in (first, second)
    ]
    foot = "\n".join(term("notice.foot", each, at=said.at, url=origin + MANNER_PATH) for each in (first, second))
    return subject, "\n\n".join((*parts, "-- ", foot)) + "\n"


def sms(said: Said, lang: Lang) -> str:
    """One language, no link: nobody should get used to tapping links in short messages."""
    return term("notice.sms", lang, sentence=said.sentence(lang))


def webhook(said: Said, message_id: str, origin: str) -> str:
    """The JSON a webhook gets; a discreet one names neither sentence nor facts."""
    body: dict[str, object] = {
        "id": message_id,
        "at": iso(said.at),
        "kind": str(said.kind),
        "code": "" if said.is_discreet else said.code,
        "text": {lang: said.sentence(lang) for lang in LANGUAGES},
        "url": origin + said.path,
    }
    return canonical.dumps(body)


def code_mail(code: str, lang: Lang) -> tuple[str, str]:
    """Subject and text of the mail with a code. The code is not in the subject: subjects show on locked screens."""
    first, second = _both(lang)
    text = "\n\n".join(term("notice.code", each, code=code, minutes=CODE_MINUTES) for each in (first, second))
    return term("notice.code_subject", first), text + "\n"


def code_sms(code: str, lang: Lang) -> str:
    return term("notice.code", lang, code=code, minutes=CODE_MINUTES)


def trial(message_id: str, at: datetime) -> str:
    """The JSON of a trial of a webhook."""
    text = {lang: term("notice.trial", lang) for lang in LANGUAGES}
    return canonical.dumps({"id": message_id, "at": iso(at), "kind": "trial", "code": "", "text": text, "url": ""})


def _both(first: Lang) -> tuple[Lang, Lang]:
    """The reader's language, then the other."""
    return first, next(lang for lang in LANGUAGES if lang != first)
