"""The ids that calling systems give to their suggestions, and the hash under which each is found."""

from uuid import UUID

from app.kit.sealing import Secret


def hash_external_id(secret: Secret, organisation_id: UUID, external_id: str) -> bytes:
    """The hash under which an external id is found; keyed, because an anonymous one's must not be guessed."""
    return secret.derive("external-id", organisation_id.bytes, external_id.encode())
