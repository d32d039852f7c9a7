"""Names of columns in several languages."""

import pytest

from etappe.importing.mapping.naming import words
from etappe.importing.mapping.naming.names import MEANINGS, key_of
from etappe.importing.mapping.naming.person_names import PURPOSES, TRAITS, slug

EXPORTS = {
    "de": "Bestellnummer;Datum;Kunden-Nr.;Artikelnummer;Menge;Einzelpreis;Status",
    "fr": "N° commande;Date de commande;N° client;Référence;Quantité;Prix unitaire;Statut",
    "es": "Nº pedido;Fecha;ID cliente;Código de artículo;Cantidad;Precio unitario;Estado",
    "nl": "Ordernummer;Besteldatum;Klantnummer;Artikelcode;Aantal;Stukprijs;Orderstatus",
    "en": "Order Number;Order Date;customer_id;SKU;Qty;Unit Price;Status",
}
MEANT = ["order", "when", "customer", "item", "quantity", "price", "status"]


@pytest.mark.parametrize("language", EXPORTS)
def test_an_export_is_understood_in_each_language(language: str) -> None:
    """The seven columns of a shop's export mean the same in all languages."""
    assert [MEANINGS[key_of(name)].name for name in EXPORTS[language].split(";")] == MEANT


@pytest.mark.parametrize("name", ["Kunden-Nr.", "KUNDEN_NR", " kunden nr ", "KundenNr"])
def test_a_name_is_compared_without_case_space_and_signs(name: str) -> None:
    """However it is spelt, it is one name."""
    assert key_of(name) == "kundennr"


def test_accents_make_no_other_name() -> None:
    """Who leaves accents out means the same."""
    assert key_of("Référence") == key_of("REFERENCE")
    assert key_of("Nº pedido") == key_of("N° pedido")


def test_traits_and_purposes_have_one_name_in_all_languages() -> None:
    """A country is a country, and a newsletter a consent to e-mail."""
    assert {TRAITS[key_of(name)] for name in ("Land", "Country", "pays", "País")} == {"country"}
    assert {PURPOSES[key_of(name)] for name in ("Newsletter", "nieuwsbrief", "Consent Email")} == {"email"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Lieblings-Größe (EU)", "lieblings_groesse_eu"),
        ("MntWines", "mnt_wines"),
        ("Straße", "strasse"),
        ("!", "column"),
    ],
)
def test_a_header_becomes_a_name_of_letters(name: str, expected: str) -> None:
    """Umlauts are spelt out, humps parted, signs left out."""
    assert slug(name) == expected


def test_words_of_orders_are_events() -> None:
    """What became of an order, in five languages."""
    for word in ("storniert", "refunded", "remboursé", "DEVUELTO", "geretourneerd"):
        assert words.EVENTS[key_of(word)] == "refund"
    for word in ("bezahlt", "Shipped", "payée", "enviado", "betaald"):
        assert words.EVENTS[key_of(word)] == "purchase"


def test_a_word_says_yes_or_no_or_neither() -> None:
    """What is neither is not taken for one."""
    assert [words.yes_no(word) for word in ("Ja", "oui", "NON", "abgemeldet", "vielleicht")] == [
        True, True, False, False, None,
    ]  # fmt: skip
