"""Compiles the kernels that serving needs, into the folder that NUMBA_CACHE_DIR names."""

from etappe.catalog.table import Catalogue
from etappe.serving.viewing.view import View
from etappe.serving.warm import warm_up
from etappe.settings import Settings

if __name__ == "__main__":
    warm_up(View(Catalogue()), Settings())
