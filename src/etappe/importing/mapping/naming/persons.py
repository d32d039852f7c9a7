"""Names of columns that tell of a person, by meaning and language."""

from typing import Final

NAMES: Final[dict[str, dict[str, str]]] = {
    "customer": {
        "en": "user id, customer id, customer, user, client id, member id, customer number, customer no, account id,"
        " buyer id, shopper id, household key, consumer id, user, customer code, customer user id",
        "de": "Kunden-Nr., Kundennummer, Kunde, Kunden-ID, Kundennr, KdNr, Kd-Nr, Debitor, Debitorennummer,"
        " Benutzer-ID, Mitgliedsnummer, Käufer, Käufer-ID, Kundencode",
        "fr": "Client, N° client, Numéro client, No client, Numéro de client, ID client, Code client,"
        " Identifiant client, Référence client",
        "es": "Cliente, ID cliente, Nº cliente, Número de cliente, N.º de cliente, Código cliente, Código de cliente,"
        " ID de cliente, No. de cliente",
        "nl": "Klant, Klantnummer, Klant-ID, Klantnr, Klantnr., Klantcode, Debiteur, Debiteurnummer",
        "shops": "customer_user, id_customer, customernumber, customerid, uid, userid, visitorid_user",
    },
    "visitor": {
        "en": "anonymous id, visitor id, visitor, cookie id, cookie, device cookie, browser id, client cookie",
        "de": "Besucher, Besucher-ID, Besuchernummer",
        "fr": "visiteur, ID visiteur",
        "es": "visitante, ID visitante",
        "nl": "bezoeker, bezoeker-ID",
        "shops": "visitorid, user_pseudo_id, fullvisitorid, ga_client_id",
    },
    "session": {
        "en": "session id, session, user session, visit id",
        "de": "Sitzung, Sitzungs-ID, Session-ID",
        "fr": "session, ID de session",
        "es": "sesión, ID de sesión",
        "nl": "sessie, sessie-ID",
    },
    "email": {
        "en": "email, e-mail, mail, email address, e-mail address, customer email, billing email, contact email",
        "de": "E-Mail-Adresse, Mailadresse, Emailadresse, Kunden-E-Mail, Kundenmail",
        "fr": "Courriel, Adresse e-mail, Adresse mail, Adresse électronique, Email client, Mél",
        "es": "Correo, Correo electrónico, Dirección de correo, Email cliente, Dirección de correo electrónico",
        "nl": "E-mailadres, Mailadres",
        "shops": "customer_email, billing_email",
    },
    "email_sha256": {"en": "email sha256, email hash, hashed email, sha256 email, em"},
    "phone": {
        "en": "phone, phone number, telephone, mobile, mobile phone, cell phone, tel",
        "de": "Telefon, Telefonnummer, Mobil, Mobilnummer, Handy, Handynummer, Rufnummer, Tel.",
        "fr": "Téléphone, Portable, Tél., Numéro de téléphone, Mobile",
        "es": "Teléfono, Móvil, Número de teléfono, Tel., Celular",
        "nl": "Telefoon, Telefoonnummer, Mobiel, Mobiel nummer, GSM",
    },
    "card": {
        "en": "loyalty card, loyalty id, card number, loyalty number, club card, loyalty card number, card no,"
        " member card, rewards number",
        "de": "Kundenkarte, Kundenkartennummer, Kartennummer, Karten-Nr., Bonuskarte, Kundenkarten-Nr., Karte,"
        " Vorteilskarte, Treuekarte",
        "fr": "Carte de fidélité, Carte fidélité, N° carte, Numéro de carte, N° carte fidélité",
        "es": "Tarjeta, Tarjeta de fidelidad, Número de tarjeta, Nº tarjeta, Tarjeta cliente",
        "nl": "Klantenkaart, Kaartnummer, Klantenkaartnummer, Spaarkaart, Klantkaart",
    },
    "crm": {
        "en": "crm id, crm, contact id, lead id, salesforce id, hubspot id, crm number, external id",
        "de": "CRM-ID, CRM-Nummer, Kontakt-ID, Kontaktnummer, Ansprechpartner-ID",
        "fr": "ID CRM, ID contact",
        "es": "ID CRM, ID contacto",
        "nl": "CRM-nummer, Contact-ID, Contactnummer",
    },
    "household": {
        "en": "household, household id, family id",
        "de": "Haushalt, Haushalts-ID, Haushaltsnummer, Haushalt-ID",
        "fr": "Foyer, ID foyer, Ménage",
        "es": "Hogar, ID hogar, Unidad familiar",
        "nl": "Huishouden, Huishouden-ID",
    },
    "company": {
        "en": "company, company id, organisation, organization, account, employer, billing company, company name",
        "de": "Firma, Unternehmen, Firmen-ID, Firmenname, Organisation, Firmennummer",
        "fr": "Société, Entreprise, Raison sociale, ID société",
        "es": "Empresa, Compañía, Razón social, ID empresa",
        "nl": "Bedrijf, Bedrijfsnaam, Onderneming, Bedrijf-ID",
    },
    "buying_centre": {
        "en": "buying centre, buying center, buying group, purchasing group",
        "de": "Einkaufsgemeinschaft, Einkaufsverbund, Buying Center",
        "fr": "centrale d'achat",
        "es": "central de compras",
        "nl": "inkoopgroep, inkoopcombinatie",
    },
    "source": {
        "en": "consent source, opt in source, consent origin",
        "de": "Einwilligungsquelle, Einwilligung Quelle, Quelle der Einwilligung, Quelle Einwilligung, Opt-in-Quelle",
        "fr": "Source du consentement, Source consentement, Origine du consentement",
        "es": "Origen del consentimiento, Origen consentimiento, Fuente del consentimiento",
        "nl": "Bron toestemming, Toestemming bron, Herkomst toestemming",
    },
    "given": {
        "en": "consent time, consent date, opt in date, opt in time, consent at, consented at, consent timestamp,"
        " consent given at",
        "de": "Einwilligungsdatum, Einwilligung am, Einwilligung Datum, Datum der Einwilligung, Opt-in-Datum,"
        " Einwilligung vom, Einwilligungszeitpunkt",
        "fr": "Date du consentement, Date consentement, Consentement le",
        "es": "Fecha del consentimiento, Fecha consentimiento, Fecha de consentimiento",
        "nl": "Datum toestemming, Toestemming op, Toestemmingsdatum",
    },
    "text": {
        "en": "consent text version, text version, consent version, privacy version, terms version, consent text",
        "de": "Einwilligungstext, Textversion, Version Einwilligung, Fassung, Einwilligungsversion, Text-Version,"
        " Version der Einwilligung, Einwilligung Version, Einwilligung Textversion",
        "fr": "Version du texte, Version du consentement, Version consentement",
        "es": "Versión del texto, Versión del consentimiento, Versión consentimiento",
        "nl": "Tekstversie, Versie toestemming, Toestemmingsversie",
    },
    "changed": {
        "en": "updated at, last modified, modified, changed at, last change, updated, modified at, last updated",
        "de": "Geändert am, Letzte Änderung, Aktualisiert am, Änderungsdatum, Stand",
        "fr": "Modifié le, Date de modification, Mis à jour le",
        "es": "Modificado el, Fecha de modificación, Actualizado el",
        "nl": "Gewijzigd op, Laatst gewijzigd, Bijgewerkt op",
    },
}
"""`shops` are names that shop systems have of their own; of a language the first tell it best."""
