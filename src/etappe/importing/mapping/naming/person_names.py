"""Names of columns that tell of a person: consents by purpose, and traits by the name under which they are kept."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from etappe.importing.mapping.naming.names import split

_CONSENTS: Final[Mapping[str, str]] = {
    "personalisation": "personalisation, personalization, consent personalisation, consent personalization,"
    " Personalisierung, Einwilligung Personalisierung, personnalisation, consentement personnalisation,"
    " personalización, consentimiento personalización, personalisatie, toestemming personalisatie, profiling,"
    " consent profiling, Profilbildung",
    "analytics": "consent analytics, analytics consent, Einwilligung Analyse, Einwilligung Statistik,"
    " consentement statistiques, consentimiento analítica, toestemming statistieken",
    "email": "newsletter, email consent, consent email, email opt in, opt in email, accepts marketing, email marketing,"
    " accepts email marketing, newsletter opt in, Newsletter-Einwilligung, Einwilligung E-Mail, E-Mail-Einwilligung,"
    " Werbung per E-Mail, E-Mail-Werbung, Einwilligung Newsletter, optin newsletter, inscription newsletter,"
    " consentement email, consentement e-mail, abonné newsletter, boletín, suscrito boletín, consentimiento email,"
    " consentimiento correo, nieuwsbrief, toestemming e-mail, inschrijving nieuwsbrief, mailing, marketing opt in,"
    " marketing consent, consent marketing, Einwilligung Marketing, Marketing-Einwilligung, consentement marketing,"
    " consentimiento marketing, toestemming marketing, opt in marketing",
    "sms": "sms consent, consent sms, sms opt in, accepts sms marketing, Einwilligung SMS, SMS-Werbung,"
    " consentement sms, consentimiento sms, toestemming sms, opt in sms",
    "push": "push consent, consent push, push opt in, Einwilligung Push, consentement push, consentimiento push,"
    " toestemming push",
    "phone": "phone consent, consent phone, phone opt in, Einwilligung Telefon, Telefonwerbung, Werbung per Telefon,"
    " consentement téléphone, consentimiento teléfono, toestemming telefoon",
    "ad": "ad consent, consent ad, consent ads, advertising consent, Einwilligung Werbung, Werbeeinwilligung,"
    " consentement publicité, consentimiento publicidad, toestemming advertenties",
    "enrichment": "consent enrichment, enrichment consent, data sharing, Einwilligung Datenweitergabe, Datenweitergabe,"
    " partage de données, cesión de datos, gegevensdeling",
}

PURPOSES: Final[Mapping[str, str]] = {key: purpose for purpose, names in _CONSENTS.items() for key in split(names)}
"""Purpose of consent by a name's key, whatever the language."""

OF_CONSENT: Final = tuple(
    split(
        "consent, opt in, opt out, unsubscribed, unsubscribe, do not contact, do not email, Einwilligung, Widerruf,"
        " abgemeldet, consentement, consentimiento, toestemming, uitgeschreven, désinscrit"
    )
)
"""Parts of names that tell of a consent, or of the opposite, of whatever purpose."""

_ORIGINS: Final[Mapping[str, str]] = {
    "consent_time": "date, time, at, on, timestamp, since, given at, Datum, am, seit, Zeitpunkt, vom, le, du, fecha,"
    " el, op, consent date, consent time, opt in date, opt in at, Einwilligung am, Anmeldedatum, Einwilligungsdatum",
    "consent_source": "source, origin, channel, Quelle, Herkunft, Kanal, origine, origen, fuente, bron, herkomst,"
    " consent source",
    "consent_text_version": "text, version, text version, Textversion, Fassung, version du texte, versión, tekstversie",
}
ORIGINS: Final[Mapping[str, str]] = {key: target for target, names in _ORIGINS.items() for key in split(names)}
"""What a column says of a consent, by what stands behind the consent's name in its own."""

_TRAITS: Final[Mapping[str, str]] = {
    "country": "country, country code, shipping country, billing country, Land, Lieferland, Länderkürzel,"
    " Ländercode, pays,"
    " país, Land code, landcode",
    "city": "city, town, shipping city, billing city, Stadt, Ort, Wohnort, ville, ciudad, población, plaats,"
    " woonplaats",
    "zip": "zip, zip code, postal code, postcode, shipping zip, billing zip, PLZ, Postleitzahl, code postal,"
    " código postal, CP",
    "region": "region, state or province, province, county, Bundesland, Kanton, région, provincia, comunidad,"
    " provincie",
    "gender": "gender, sex, Geschlecht, Anrede, salutation, genre, sexe, civilité, sexo, género, geslacht, aanhef",
    "birthday": "birthday, date of birth, birth date, dob, Geburtsdatum, Geburtstag, date de naissance, naissance,"
    " fecha de nacimiento, nacimiento, geboortedatum",
    "birth_year": "birth year, year of birth, year birth, Geburtsjahr, année de naissance, año de nacimiento,"
    " geboortejaar",
    "language": "language, locale, lang, Sprache, langue, idioma, taal",
    "customer_group": "customer group, customer segment, segment, group name, customer type, Kundengruppe,"
    " Kundensegment,"
    " Kundenart, Preisgruppe, groupe client, type client, grupo de clientes, tipo de cliente, klantgroep, klanttype",
    "customer_since": "customer since, registered at, member since, registration date, signup date, joined,"
    " Dt_Customer,"
    " Kunde seit, Registriert am, Anmeldedatum, client depuis, date d'inscription, cliente desde, fecha de alta,"
    " klant sinds, registratiedatum",
    "age": "age, Alter, âge, edad, leeftijd",
    "income": "income, Einkommen, revenu, ingresos, inkomen",
    "education": "education, Bildung, Bildungsabschluss, formation, educación, opleiding",
    "marital_status": "marital status, Familienstand, situation familiale, estado civil, burgerlijke staat",
    "industry": "industry, Branche, secteur, sector, branche",
    "tier": "tier, loyalty tier, status level, Bonusstufe, Kundenstatus, niveau, nivel, niveau fidélité",
    "points": "points, loyalty points, Punkte, Bonuspunkte, Punktestand, points fidélité, puntos, punten, spaarpunten",
    "store": "store, home store, preferred store, Filiale, Stammfiliale, magasin, tienda, filiaal, winkel",
}
TRAITS: Final[Mapping[str, str]] = {key: trait for trait, names in _TRAITS.items() for key in split(names)}
"""Name of the trait by a name's key."""

PRIVATE: Final = frozenset(
    split(
        "name, full name, first name, firstname, last name, surname, given name, family name, middle name, street,"
        " address,"
        " address 1, address 2, house number, billing name, shipping name, Vorname, Nachname, Familienname, Strasse,"
        " Straße, Hausnummer, Adresse, Anschrift, Adresszusatz, Straße und Hausnummer, nom, prénom, nom de famille,"
        " adresse,"
        " rue, nom complet, nombre, apellido, apellidos, nombre completo, dirección, calle, voornaam, achternaam, naam,"
        " straat, adres, huisnummer, IBAN, password, Passwort, customer name, Kundenname, nom client, nombre cliente,"
        " klantnaam, ip, ip address, IP-Adresse, notes, note, Bemerkung, Notiz, comment, Kommentar, Titel"
    )
)
"""What nobody has to know of a person in order to recommend: left out, unless somebody asks for it."""

_HUMP: Final = re.compile(r"([a-z])([A-Z])")
_SPELT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "ae", "Ö": "oe", "Ü": "ue"})


def slug(name: str) -> str:
    """A name of one's own out of a header: "Lieblings-Größe (EU)" is "lieblings_groesse_eu"."""
    parted = _HUMP.sub(r"\1 \2", unicodedata.normalize("NFC", name)).translate(_SPELT)
    plain = unicodedata.normalize("NFKD", parted).casefold()
    kept = "".join(
        letter if letter.isascii() and letter.isalnum() else " "
        for letter in plain
        if not unicodedata.combining(letter)
    )
    return "_".join(kept.split()) or "column"
