"""The service and the organisations that the tests of acts use, too."""

from tests.acts.conftest import database_kind, service, shared_service, tenant

__all__ = ["database_kind", "service", "shared_service", "tenant"]
