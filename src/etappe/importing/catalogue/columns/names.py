"""The names that shops, feeds and search engines give the columns of a catalogue, and what each says here."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

_ROLES: Final[dict[str, tuple[str, ...]]] = {
    "id": (
        "id", "objectid", "productid", "itemid", "pid", "sku", "permanentid", "articlenumber", "artikelnummer",
        "_id",
    ),
    "title": ("title", "name", "productname", "itemname", "ecname", "structuredtitle"),
    "titles": ("titles",),
    "category": (
        "category", "producttype", "categorypath", "eccategory", "googleproductcategory", "categories",
        "hierarchicalcategories",
    ),
    "level1": ("categoryl1", "itemcategory", "categoryid1", "categorieslvl0", "hierarchicalcategorieslvl0"),
    "level2": ("categoryl2", "itemcategory2", "categoryid2", "categorieslvl1", "hierarchicalcategorieslvl1"),
    "level3": ("categoryl3", "itemcategory3", "categoryid3", "categorieslvl2", "hierarchicalcategorieslvl2"),
    "brand": ("brand", "ecbrand", "itembrand", "manufacturer", "vendor", "brandname"),
    "item_group_id": ("itemgroupid", "ecitemgroupid", "parentid", "parentsku"),
    "price": ("price", "ecprice", "regularprice", "retailprice"),
    "sale_price": ("saleprice", "specialprice", "promoprice", "ecpromoprice", "discountprice"),
    "sale_dates": ("salepriceeffectivedate",),
    "prices": ("prices",),
    "currency": ("currency", "pricecurrency", "currencycode", "pricecurrencycode"),
    "url": ("url", "link", "producturl", "itemurl", "clickableuri", "permalink"),
    "image": (
        "image", "imagelink", "imageurl", "bigimage", "images", "ecimages", "thumbimage", "baseimage",
        "imagesrc",
    ),
    "more_images": ("additionalimagelink", "additionalimagelinks", "additionalimages"),
    "available": (
        "available", "availability", "instock", "isinstock", "ecinstock", "stockstatus", "availabilitystatus",
        "isavailable", "availableforsale", "recommendable", "published", "ispublished",
    ),
    "hidden": ("hidden", "ishidden"),
    "available_from": ("availablefrom", "availabilitydate"),
    "available_until": ("availableuntil", "expirationdate"),
    "floor_days": ("floordays",),
    "product": ("product", "isproduct"),
    "stores": ("stores",),
    "cost": ("cost", "costprice", "costofgoodssold", "purchaseprice", "einkaufspreis"),
    "margin": ("margin",),
    "attributes": ("attributes",),
    "description": ("description", "structureddescription"),
}  # fmt: skip
"""Names without separators and in small letters, by what they say; the first that has a value counts."""

_PLACES: Final = {name: (role, rank) for role, names in _ROLES.items() for rank, name in enumerate(names)}
_FEED: Final = frozenset({
    "availability", "link", "imagelink", "producttype", "googleproductcategory", "saleprice", "salepriceeffectivedate",
    "availabilitydate", "expirationdate", "producturl", "bigimage", "gtin", "mpn",
})  # fmt: skip
"""Names that only a product feed has: it says each item once."""
_SPELT: Final = {
    "additionalimagelink": "additional_image_link", "googleproductcategory": "google_product_category",
    "producttype": "product_type", "saleprice": "sale_price", "salepriceeffectivedate": "sale_price_effective_date",
    "availability": "availability", "description": "description",
}  # fmt: skip
"""Attributes that are kept under one name, however a file spells it."""
_BETWEEN: Final = re.compile(r"[\s_.\-/]+")


class Place(NamedTuple):
    """What a column says: the `role`, and before which others of this role it goes; None for an attribute.

    `attribute` is the name by which what the field does not take is kept. `feed`: only product feeds name a column so.
    """

    role: str | None
    rank: int
    attribute: str
    feed: bool


@lru_cache(maxsize=4096)
def place_of(name: str) -> Place:
    """What a column of this name says: `g:image_link`, `Image Link` and `imageLink` are one."""
    plain = name.strip()
    if plain[:2].lower() == "g:":
        plain = plain[2:]
    key = ("_" if plain == "_id" else "") + _BETWEEN.sub("", plain).lower()
    role, rank = _PLACES.get(key, (None, 0))
    return Place(role, rank, _SPELT.get(key, plain), key in _FEED)


_EVENTS: Final = ("event", "eventname", "eventtype")
_TIMES: Final = ("timestamp", "eventtime", "eventtimestamp", "userid", "useridentifier", "userpseudoid", "anonymousid")


def are_of_events(names: Iterable[str]) -> bool:
    """Whether columns are those of a file of events, whose items would be attributes of nothing."""
    keys = {_BETWEEN.sub("", name).lower() for name in names}
    return not keys.isdisjoint(_EVENTS) and not keys.isdisjoint(_TIMES)


_TOLD: Final = {
    **dict.fromkeys(("level1", "level2", "level3"), "category"), **dict.fromkeys(("sale_price", "sale_dates"), "price"),
    "hidden": "available", "more_images": "attributes.additional_image_link", "description": "attributes.description",
}  # fmt: skip
"""The field that a role ends in, where it is none itself."""


def read_as(names: list[str]) -> dict[str, str]:
    """What columns are taken for, where that is not what they are called; an attribute is `attributes.NAME`."""
    places = {name: place_of(name) for name in names}
    fields = {name: place.role or f"attributes.{place.attribute}" for name, place in places.items()}
    told = {name: _TOLD.get(field, field) for name, field in fields.items()}
    return {name: field for name, field in told.items() if field != name.strip()}
