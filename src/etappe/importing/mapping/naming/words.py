"""What words in cells say, whatever the language: yes or no, and what became of an order or happened in the shop."""

from collections.abc import Mapping
from typing import Final

from etappe.importing.mapping.naming.names import key_of

_YES: Final = (
    "true, t, yes, y, 1, ja, j, oui, o, si, s, wahr, vrai, verdadero, waar, x, on, granted, given, opt in, subscribed,"
    " erteilt, zugestimmt, angemeldet, accepte, accepted, aceptado, akkoord, abonne, suscrito, active, aktiv, consent,"
    " consented, abonniert, ingeschreven, inscrit, in stock, available, verfügbar, lieferbar, auf Lager, vorrätig,"
    " disponible, en stock, beschikbaar, op voorraad, leverbaar, published"
)
_NO: Final = (
    "false, f, no, n, 0, nein, non, nee, falsch, faux, falso, onwaar, off, denied, withdrawn, opt out, unsubscribed,"
    " widerrufen, abgelehnt, abgemeldet, refuse, refused, rechazado, geweigerd, desabonne, cleaned, nicht erteilt,"
    " verweigert, revoked, uitgeschreven, unsubscribe, declined, desinscrit,"
    " out of stock, sold out, unavailable, discontinued, ausverkauft, nicht verfügbar, nicht lieferbar, nicht vorrätig,"
    " épuisé, indisponible, rupture de stock, agotado, no disponible, uitverkocht, niet beschikbaar, unpublished"
)
_EVENTS: Final[dict[str, str]] = {
    "purchase": "purchase, purchased, buy, bought, order, ordered, sale, sold, paid, complete, completed, shipped,"
    " delivered,"
    " fulfilled, processing, closed, transaction, checkout success, invoice, invoiced, partially shipped, confirmed,"
    " Kauf, gekauft, bestellt, bezahlt, abgeschlossen, versendet, versandt, verschickt, geliefert, zugestellt,"
    " erledigt,"
    " in Bearbeitung, Rechnung, Verkauf, fakturiert, ausgeliefert, abgeholt, bestätigt, komplett abgeschlossen,"
    " achat, acheté, payé, payée, livré, livrée, expédié, expédiée, terminé, terminée, en cours de préparation,"
    " facturé,"
    " compra, comprado, pagado, enviado, entregado, completado, facturado, venta, procesando,"
    " aankoop, gekocht, betaald, verzonden, voltooid, geleverd, afgeleverd, afgerond, verkoop, in behandeling",
    "refund": "refund, refunded, returned, return, cancelled, canceled, voided, reversed, chargeback, credit note,"
    " credit memo,"
    " storniert, Storno, retourniert, Retoure, Rückgabe, zurückgegeben, erstattet, Erstattung, Gutschrift, widerrufen,"
    " zurückgesendet, Stornierung, remboursé, remboursée, retourné, retournée, annulé, annulée, avoir, remboursement,"
    " reembolsado, devuelto, devolución, cancelado, anulado, abono, reembolso,"
    " terugbetaald, geretourneerd, retour, geannuleerd, creditnota, terugbetaling",
    "skip": "pending, on hold, failed, draft, open, unpaid, awaiting payment, pending payment, payment pending,"
    " checkout draft,"
    " offen, ausstehend, fehlgeschlagen, Entwurf, zahlung offen, unbezahlt, Angebot, wartend, abgebrochen,"
    " en attente, échoué, échouée, brouillon, impayé, devis, pendiente, fallido, borrador, presupuesto,"
    " pendiente de pago,"
    " in afwachting, mislukt, concept, onbetaald, openstaand, offerte, test",
    "view_item": "view, view item, viewed, product view, product viewed, detail, pv, page view product, pageview,"
    " viewcontent,"
    " click, clicked, Ansicht, angesehen, Klick, vue, consultation, clic, vista, visto, bekeken, klik, weergave,"
    " detailview",
    "add_to_cart": "cart, add to cart, addtocart, added to cart, basket, add to basket, Warenkorb, in den Warenkorb,"
    " ajout panier, ajout au panier, panier, añadir al carrito, carrito, winkelwagen, in winkelwagen",
    "remove_from_cart": "remove from cart, removefromcart, removed from cart, aus dem Warenkorb, retrait panier,"
    " quitar del carrito, uit winkelwagen",
    "add_to_wishlist": "wishlist, add to wishlist, fav, favorite, favourite, Merkzettel, Wunschliste, favoris,"
    " favorito,"
    " lista de deseos, verlanglijst, favoriet",
}
YES_NO: Final = {key_of(word): said for words, said in ((_YES, True), (_NO, False)) for word in words.split(",")}
EVENTS: Final = {key_of(word): event for event, words in reversed(_EVENTS.items()) for word in words.split(",")}
"""Event, or `skip` for what is no sale yet, by a word's key."""

CHANNELS: Final[Mapping[str, str]] = {
    key_of(word): channel
    for channel, words in {
        "web": "web, online, shop, onlineshop, webshop, internet, website, desktop, site, tienda online,"
        " boutique en ligne,"
        " ecommerce, e-commerce",
        "app": "app, mobile app, ios, android",
        "store": "store, pos, retail, in store, instore, offline, filiale, laden, kasse, ladengeschäft, magasin,"
        " boutique,"
        " caisse, tienda, tienda física, winkel, filiaal, kassa, stationär",
        "phone": "phone, telephone, telefon, téléphone, teléfono, telefoon, call center, callcenter",
        "email": "email, e-mail, mail, newsletter",
    }.items()
    for word in words.split(",")
}
"""Channel by a word's key."""


def yes_no(text: str) -> bool | None:
    """Whether a word says yes or no; None where it says neither."""
    return YES_NO.get(key_of(text))
