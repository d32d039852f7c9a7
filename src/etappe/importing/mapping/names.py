"""Names by which shop software, tills and CRM systems call a column, by what it means and by language.

A name is compared without case, accents, spaces and signs. A meaning is none of a native column yet: `number` of an
article is an `item_id` among events and an `id` among items; `kinds` says so.
"""

import unicodedata
from collections.abc import Mapping
from typing import Final

import msgspec

_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "when": {
        "en": "timestamp, event time, datetime, order date, date time, created at, created, invoice date, purchased at,"
        " ordered at, order time, purchase date, transaction date, paid at, date created, event timestamp, happened at,"
        " date, sale date, visit time, processed at",
        "de": "Datum, Bestelldatum, Zeitpunkt, Zeitstempel, Kaufdatum, Rechnungsdatum, Belegdatum, Auftragsdatum,"
        " Datum/Uhrzeit, Datum und Uhrzeit, Bestellzeit, Bestellzeitpunkt, Erstellt am, Verkaufsdatum, Buchungsdatum",
        "fr": "Date de commande, Date commande, Date d'achat, Date achat, Date de facturation, Horodatage, Créé le,"
        " Date de création, Date et heure, Date de vente",
        "es": "Fecha, Fecha de pedido, Fecha del pedido, Fecha pedido, Fecha de compra, Fecha y hora, Fecha de factura,"
        " Creado el, Fecha de venta",
        "nl": "Besteldatum, Datum bestelling, Aankoopdatum, Orderdatum, Tijdstip, Factuurdatum, Aangemaakt op,"
        " Verkoopdatum, Datum en tijd",
        "shops": "ordertime, date_add, orderdate, InvoiceDate, completed_at",
    },
    "clock": {
        "en": "time, hour, time of day, order hour",
        "de": "Uhrzeit, Zeit, Bestelluhrzeit",
        "fr": "heure, heure de commande",
        "es": "hora, hora del pedido",
        "nl": "tijd, besteltijd",
    },
    "customer": {
        "en": "user id, customer id, customer, user, client id, member id, customer number, customer no, account id,"
        " buyer id, shopper id, household key, consumer id, user, customer code",
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
    "item": {
        "en": "item id, product id, sku, article, article number, stock code, product code, item code, variant sku,"
        " product sku, item number, item, product, lineitem sku, product number, asin, article id, item sku, part no",
        "de": "Artikelnummer, Artikel-Nr., ArtNr, Art.-Nr., Produktnummer, Produkt-ID, Artikel-ID, Artikel,"
        " Bestellnummer Artikel, Warennummer, Artikelcode, Produkt, Materialnummer",
        "fr": "Référence, Référence produit, Réf., Réf produit, Code article, ID produit, Code produit, Article,"
        " Produit, N° article, Numéro d'article, Référence article",
        "es": "Referencia, Código artículo, Código de artículo, Código producto, Código de producto, Artículo,"
        " Producto, ID producto, ID de producto, Nº artículo, Referencia del producto",
        "nl": "Artikelnummer, Artikelcode, Productnummer, Product-ID, Productcode, Artikel",
        "shops": "product_reference, articleordernumber, lineitem_sku, product_sku, itemid, productid",
    },
    "order": {
        "en": "order id, order number, order no, order, invoice, invoice no, invoice number, transaction id, basket id,"
        " order reference, receipt, receipt no, receipt id, ticket, sales order, purchase id, cart id",
        "de": "Bestellnummer, Bestell-Nr., BestellNr, Bestellung, Auftragsnummer, Auftrags-Nr., Rechnungsnummer,"
        " Rechnungs-Nr., Belegnummer, Beleg-Nr., Bon, Bonnummer, Bon-Nr., Auftrag, Bestell-ID, Vorgangsnummer",
        "fr": "N° commande, N° de commande, Numéro de commande, Commande, Numéro commande, ID commande, No commande,"
        " N° facture, Numéro de facture, Référence commande, Ticket",
        "es": "Pedido, Nº pedido, Número de pedido, N.º de pedido, ID pedido, ID de pedido, No. de pedido, Nº de pedido,"
        " Factura, Número de factura, Referencia del pedido",
        "nl": "Bestelnummer, Bestelling, Ordernummer, Order-ID, Factuurnummer, Bonnummer, Bestelnr, Bestelnr.",
        "shops": "increment_id, id_order, ordernumber, invoiceno",
    },
    "quantity": {
        "en": "quantity, qty, pieces, units, amount of pieces, count, number of items, lineitem quantity, qty ordered,"
        " quantity ordered, item quantity, units sold",
        "de": "Menge, Anzahl, Stück, Stückzahl, Bestellmenge, Bestellte Menge, Verkaufsmenge",
        "fr": "Quantité, Qté, Nombre, Quantité commandée",
        "es": "Cantidad, Cant., Unidades, Uds, Cantidad pedida",
        "nl": "Aantal, Hoeveelheid, Stuks, Besteld aantal",
        "shops": "qty_ordered, product_quantity, lineitem_quantity",
    },
    "price": {
        "en": "price, unit price, item price, price each, sale price, lineitem price, item cost, selling price,"
        " product price, price per unit, unit cost",
        "de": "Einzelpreis, Preis, Stückpreis, VK, VK-Preis, Verkaufspreis, Einzelpreis brutto, Preis pro Stück,"
        " Einzelpreis (brutto), VK brutto, Einzelpreis €, Einzelpreis EUR, Preis EUR, Preis (EUR), Einzelpreis (EUR)",
        "fr": "Prix, Prix unitaire, PU, P.U., Prix de vente, Prix unitaire TTC, Prix TTC, PU TTC",
        "es": "Precio, Precio unitario, PVP, Precio de venta, Precio unidad, Precio por unidad",
        "nl": "Prijs, Stukprijs, Eenheidsprijs, Verkoopprijs, Prijs per stuk",
        "shops": "unit_price_tax_incl, unit_price, lineitem_price, product_price",
    },
    "total": {
        "en": "line total, total price, line amount, amount, row total, revenue, sales, item total, total, subtotal,"
        " line value",
        "de": "Gesamtpreis, Positionssumme, Zeilensumme, Umsatz, Betrag, Summe, Gesamt, Gesamtbetrag, Positionsbetrag",
        "fr": "Montant, Total, Total ligne, Prix total, Montant total, Montant TTC, Total TTC",
        "es": "Importe, Total línea, Precio total, Importe total, Importe línea",
        "nl": "Totaal, Bedrag, Regeltotaal, Totaalprijs, Totaalbedrag, Omzet",
        "shops": "row_total, total_price_tax_incl",
    },
    "currency": {
        "en": "currency, currency code, order currency",
        "de": "Währung, Waehrung, Währungscode",
        "fr": "Devise, Monnaie, Code devise",
        "es": "Moneda, Divisa, Código de moneda",
        "nl": "Valuta, Munteenheid",
    },
    "channel": {
        "en": "channel, sales channel, order channel",
        "de": "Kanal, Vertriebskanal, Verkaufskanal, Vertriebsweg, Bestellweg",
        "fr": "Canal, Canal de vente",
        "es": "Canal, Canal de venta",
        "nl": "Kanaal, Verkoopkanaal",
    },
    "event": {
        "en": "event, event type, event name, action, activity, behavior, behaviour, interaction, interaction type,"
        " behavior type, activity type",
        "de": "Ereignis, Aktion, Ereignistyp, Vorgang, Vorgangsart, Aktivität",
        "fr": "Événement, Action, Type d'événement",
        "es": "Evento, Acción, Tipo de evento",
        "nl": "Gebeurtenis, Actie, Gebeurtenistype",
    },
    "status": {
        "en": "status, order status, state, financial status, fulfillment status, order state, payment status,"
        " transaction type, type of sale, document type",
        "de": "Bestellstatus, Auftragsstatus, Zahlungsstatus, Belegart, Vorgangstyp, Zustand, Buchungsart",
        "fr": "Statut, État, Statut de la commande, Statut commande, État de la commande",
        "es": "Estado, Estado del pedido, Estado pedido, Situación",
        "nl": "Bestelstatus, Orderstatus, Toestand",
    },
    "event_id": {
        "en": "event id, message id, insert id, hit id, line id, order line id, row id, id",
        "de": "Positions-ID, Ereignis-ID, Zeilen-ID, Buchungsnummer",
        "fr": "ID événement, ID ligne",
        "es": "ID evento, ID línea",
        "nl": "Regel-ID, Gebeurtenis-ID",
        "shops": "item_id_line, id_order_detail",
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
    "title": {
        "en": "title, product name, item name, name of product, product title, lineitem name, item description,"
        " article name, product description, name, description",
        "de": "Artikelbezeichnung, Bezeichnung, Artikelname, Produktname, Produktbezeichnung, Titel, Artikeltext,"
        " Beschreibung, Kurzbeschreibung",
        "fr": "Désignation, Nom du produit, Libellé, Nom produit, Titre, Nom de l'article, Intitulé",
        "es": "Descripción, Nombre del producto, Nombre producto, Título, Denominación, Nombre del artículo",
        "nl": "Omschrijving, Productnaam, Artikelnaam, Artikelomschrijving, Productomschrijving, Titel",
        "shops": "lineitem_name, product_name",
    },
    "category": {
        "en": "category, product category, category path, product type, department, product group, category name,"
        " categories",
        "de": "Kategorie, Warengruppe, Produktgruppe, Artikelgruppe, Sortiment, Kategoriepfad, Warengruppenname",
        "fr": "Catégorie, Rayon, Famille, Famille de produits",
        "es": "Categoría, Familia, Sección, Departamento",
        "nl": "Categorie, Productgroep, Artikelgroep",
        "shops": "category_code",
    },
    "brand": {
        "en": "brand, manufacturer, vendor, brand name, make, maker",
        "de": "Marke, Hersteller, Herstellername, Markenname",
        "fr": "Marque, Fabricant",
        "es": "Marca, Fabricante",
        "nl": "Merk, Fabrikant, Merknaam",
    },
    "group": {
        "en": "item group id, parent sku, parent id, product group id, master sku, style, parent product, handle",
        "de": "Vaterartikel, Hauptartikel, Stammartikel, Variantengruppe, Vaterartikelnummer",
        "fr": "référence parent, produit parent",
        "es": "referencia padre, producto padre",
        "nl": "hoofdartikel, hoofdproduct",
    },
    "url": {
        "en": "url, link, product url, product link, page url",
        "de": "Produktlink, Produkt-URL, Webadresse",
        "fr": "lien, URL du produit, lien produit",
        "es": "enlace, URL del producto",
        "nl": "productlink, product-URL",
    },
    "image": {
        "en": "image, image link, image url, picture, image src, product image",
        "de": "Bild, Bild-URL, Bildlink, Produktbild",
        "fr": "image principale, lien image, photo",
        "es": "imagen, URL de imagen, foto",
        "nl": "afbeelding, afbeelding-URL",
    },
    "available": {
        "en": "available, in stock, availability, published, active, enabled, is in stock",
        "de": "Verfügbar, Verfügbarkeit, Lieferbar, Aktiv",
        "fr": "Disponible, Disponibilité, Actif, En stock",
        "es": "Disponible, Disponibilidad, Activo",
        "nl": "Beschikbaar, Beschikbaarheid, Actief, Leverbaar",
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
"""Names by meaning and language; `shops` are those that shop systems have of their own."""

def key_of(name: str) -> str:
    """A name as it is compared: "Kunden-Nr." is "kundennr", "N° de commande" is "ndecommande"."""
    plain = unicodedata.normalize("NFKD", name.replace("№", "n").replace("º", "").replace("°", "")).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


class Meaning(msgspec.Struct, frozen=True):
    """What a name means, in which language, and its place among the names for it: the first tell it best."""

    name: str
    language: str
    rank: int


def split(names: str) -> list[str]:
    """The keys of names parted by commas."""
    return [key_of(name) for name in names.split(",")]


MEANINGS: Final[Mapping[str, Meaning]] = {
    key: Meaning(meaning, language, rank)
    for meaning, languages in reversed(_NAMES.items())
    for language, names in languages.items()
    for rank, key in enumerate(split(names))
}
"""Meaning by a name's key. Of a name that means two things the meaning that stands first counts."""
