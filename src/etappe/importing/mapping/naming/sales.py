"""Names of columns that tell of sales, visits and items, by meaning and language."""

from typing import Final

NAMES: Final[dict[str, dict[str, str]]] = {
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
        "shops": "product_reference, articleordernumber, lineitem_sku, product_sku, itemid, productid, objectid",
    },
    "order": {
        "en": "order id, order number, order no, order, invoice, invoice no, invoice number, transaction id, basket id,"
        " order reference, receipt, receipt no, receipt id, ticket, sales order, purchase id, cart id",
        "de": "Bestellnummer, Bestell-Nr., BestellNr, Bestellung, Auftragsnummer, Auftrags-Nr., Rechnungsnummer,"
        " Rechnungs-Nr., Belegnummer, Beleg-Nr., Bon, Bonnummer, Bon-Nr., Auftrag, Bestell-ID, Vorgangsnummer",
        "fr": "N° commande, N° de commande, Numéro de commande, Commande, Numéro commande, ID commande, No commande,"
        " N° facture, Numéro de facture, Référence commande, Ticket",
        "es": "Pedido, Nº pedido, Número de pedido, N.º de pedido, ID pedido, ID de pedido, No. de pedido,"
        " Nº de pedido,"
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
}
"""`shops` are names that shop systems have of their own; of a language the first tell it best."""
