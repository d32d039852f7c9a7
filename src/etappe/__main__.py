"""`python -m etappe`, the same as `etappe`."""

from etappe.cli import main

main()
