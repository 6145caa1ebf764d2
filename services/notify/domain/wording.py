"""The words of a notice, in English and French. Only texts: which one is said when is in notice.py."""

# ruff: noqa: RUF001 - French is written with its own apostrophe

from typing import Final

from shared.contracts.words import Day

LANGUAGES: Final = ("en", "fr")

TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "planned": "{name} is planned for {date}",
        "planned_open": "{name} is planned; its date is not known yet",
        "moved": "{name} moves to {date} (was {before})",
        "dated": "{name} now has a date: {date}",
        "undated": "{name} has lost its date (was {before})",
        "cancelled": "{name} is cancelled",
        "cancelled_from": "{name} is cancelled (was {before})",
        "revived": "{name} is back: {date}",
        "launched": "{name} is out",
        "held": "{name} is held; {date} stands until it is released",
        "retiered": "{name} is now {tier} (was {tier_before}); date {date}",
        "conflict": "{name} cannot hold its date {date} as things stand",
        "proposal": "{name}: a new date is proposed; {date} stands until somebody decides",
        "changed": "{name} has changed; date {date}",
        "feature_new": "New on the roadmap: {name} ({window})",
        "feature_moved": "{name}: now {window} (was {window_before})",
        "feature_shipped": "{name} has shipped",
        "feature_cancelled": "{name} is cancelled",
        "feature_changed": "{name} has changed ({window}); no launch moves",
        "no_date": "no date yet",
        "waits": "It waits for: {waits_for}.",
        "many": "{count} changes: {summary}",
        "summary_why": "What happened: {summary}",
        "needs_ok": "It needs your OK",
        "by": "It needs your OK by {due}.",
        "fyi": "For your information; nothing to confirm.",
        "greeting": "Hello {person},",
        "ok_button": "Say that you know",
        "ok_line": "Say that you know (one page, one button):",
        "inbox_line": "All that concerns you:",
        "footer": "You get this because you are part of these launches. "
        "Why each one reached you is on the page behind the link.",
        "do_pm": "Check that scope and status still say what you mean.",
        "do_pmm": "Check messaging and plan against this date.",
        "do_marketing_ops": "Move campaigns and mailings to this date.",
        "do_sales": "Promise only this date from now on.",
        "do_sales_enablement": "Move the training and the material to this date.",
        "do_cs": "Tell the customers who were promised something else.",
        "do_cs_lead": "See to it that your team can answer for this date.",
        "do_support": "Have answers ready for this date.",
        "do_docs": "Have the help pages ready for this date.",
        "do_comms": "Move what is agreed with press and analysts.",
        "do_champion": "Pass it on to your team.",
        "do_liaison": "Pass it on to your group.",
        "do_lead": "Make sure that somebody of your team takes this up.",
    },
    "fr": {
        "planned": "{name} est prévu pour le {date}",
        "planned_open": "{name} est prévu ; sa date n’est pas encore connue",
        "moved": "{name} passe au {date} (au lieu du {before})",
        "dated": "{name} a maintenant une date : {date}",
        "undated": "{name} n’a plus de date (c’était le {before})",
        "cancelled": "{name} est annulé",
        "cancelled_from": "{name} est annulé (c’était le {before})",
        "revived": "{name} revient : {date}",
        "launched": "{name} est lancé",
        "held": "{name} est suspendu ; le {date} reste valable jusqu’à la reprise",
        "retiered": "{name} est maintenant {tier} (au lieu de {tier_before}) ; date {date}",
        "conflict": "{name} ne peut pas tenir sa date du {date} en l’état",
        "proposal": "{name} : une nouvelle date est proposée ; le {date} reste valable jusqu’à la décision",
        "changed": "{name} a changé ; date {date}",
        "feature_new": "Nouveau dans la feuille de route : {name} ({window})",
        "feature_moved": "{name} : maintenant {window} (au lieu de {window_before})",
        "feature_shipped": "{name} est livré",
        "feature_cancelled": "{name} est annulé",
        "feature_changed": "{name} a changé ({window}) ; aucun lancement ne bouge",
        "no_date": "pas encore de date",
        "waits": "En attente de : {waits_for}.",
        "many": "{count} changements : {summary}",
        "summary_why": "Ce qui s’est passé : {summary}",
        "needs_ok": "Votre accord est attendu",
        "by": "Votre accord est attendu avant le {due}.",
        "fyi": "Pour information ; rien à confirmer.",
        "greeting": "Bonjour {person},",
        "ok_button": "Confirmer que vous savez",
        "ok_line": "Confirmer que vous savez (une page, un bouton) :",
        "inbox_line": "Tout ce qui vous concerne :",
        "footer": "Vous recevez ceci parce que vous participez à ces lancements. "
        "La page derrière le lien dit pourquoi chacun vous concerne.",
        "do_pm": "Vérifiez que le périmètre et le statut disent toujours ce que vous voulez dire.",
        "do_pmm": "Vérifiez le message et le plan avec cette date.",
        "do_marketing_ops": "Déplacez campagnes et envois à cette date.",
        "do_sales": "Ne promettez plus que cette date.",
        "do_sales_enablement": "Déplacez la formation et les supports à cette date.",
        "do_cs": "Prévenez les clients à qui autre chose a été promis.",
        "do_cs_lead": "Veillez à ce que votre équipe puisse répondre de cette date.",
        "do_support": "Préparez les réponses pour cette date.",
        "do_docs": "Préparez les pages d’aide pour cette date.",
        "do_comms": "Déplacez ce qui est convenu avec la presse et les analystes.",
        "do_champion": "Transmettez à votre équipe.",
        "do_liaison": "Transmettez à votre groupe.",
        "do_lead": "Assurez-vous que quelqu’un de votre équipe s’en charge.",
    },
}

WEEKDAYS: Final = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
}
MONTHS: Final = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
}


def language_of(locale: str) -> str:
    """The language we speak that is nearest to a locale; English when we speak none of it."""
    language = locale[:2].lower()
    return language if language in LANGUAGES else "en"


def say(language: str, text: str, **values: object) -> str:
    """One text with its values."""
    return TEXTS[language][text].format(**values)


def say_day(language: str, day: Day) -> str:
    """A day in words, with its weekday: "Tue 8 Dec 2026"."""
    return f"{WEEKDAYS[language][day.weekday()]} {day.day} {MONTHS[language][day.month - 1]} {day.year}"
