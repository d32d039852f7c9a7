"""What the worker's tests have in common."""

import msgspec
import pytest

from etappe.ids import Subject, subject_of
from etappe.settings import Settings, Store


@pytest.fixture
def small(settings: Settings) -> Settings:
    """Settings with which a tail of two records is a long one."""
    return msgspec.structs.replace(settings, store=Store(tail_limit=1))


@pytest.fixture
def me(secret: bytes) -> Subject:
    """The customer `u`."""
    return subject_of(secret, "user_id", "u")
