"""Documents: whatever has a kind and a name and is neither a bank nor an entry."""

from collections.abc import Sequence

from hashsvc_index import records
from hashsvc_index.errors import DocumentExistsError, DocumentNotFoundError
from hashsvc_index.handle import Handle
from hashsvc_index.reader import Reader
from hashsvc_index.records import DocumentRecord
from hashsvc_index.writer import Writer, expect, need


class Documents(Handle):
    """The part of a store that keeps documents.

    Their revisions are counted from 1 over all documents, apart from the store's, so that whoever follows the changes
    of banks and entries has nothing to read when a document changes. A kind has 1 to 63 bytes of UTF-8, a name 1 to
    255, a payload up to 1 MiB; what is outside of that is a ValueError.
    """

    def put_document(
        self, kind: str, name: str, payload: bytes, *, create: bool, expected_revision: int = 0,
        decisions: Sequence[bytes] = (), events: Sequence[bytes] = (),
    ) -> int:  # fmt: skip
        """Create or replace a document; return its revision. `expected_revision` other than 0 must be its last.

        Raises DocumentExistsError (with `create`), DocumentNotFoundError (without), RevisionConflictError.
        """
        records.document_key(kind, name)
        records.checked_long(payload)
        appendix = records.checked_appendix(decisions, events)

        def change(writer: Writer) -> int:
            if not create:
                revision = self._replace(writer, kind, name, payload, expected_revision)
            elif writer.reader.find_document(kind, name) is not None:
                raise DocumentExistsError(f"{kind} {name!r} exists already", kind=kind, name=name)
            else:
                expect(expected_revision, 0, kind=kind, name=name)
                revision = writer.put_document(kind, name, payload, new=True)
            writer.append(appendix)
            return revision

        return self._write(need(len(payload), *appendix.sizes()), change)

    def _replace(self, writer: Writer, kind: str, name: str, payload: bytes, expected_revision: int) -> int:
        """A document in place of the one that is there; its revision."""
        known = writer.reader.find_document(kind, name)
        if known is None:
            raise _not_found(kind, name)
        expect(expected_revision, known.revision, kind=kind, name=name)
        return writer.put_document(kind, name, payload, new=False)

    def get_document(self, kind: str, name: str) -> DocumentRecord:
        """Raises DocumentNotFoundError."""
        with self.environment.read() as transaction:
            record = Reader(self.environment, transaction).find_document(kind, name)
        if record is None:
            raise _not_found(kind, name)
        return record

    def list_documents(self, kind: str, after: str, limit: int) -> list[DocumentRecord]:
        """At most `limit` documents of the kind whose name comes after `after` in byte order; "" begins."""
        with self.environment.read() as transaction:
            return Reader(self.environment, transaction).documents(kind, after, limit)

    def delete_document(
        self, kind: str, name: str, *, expected_revision: int = 0, decisions: Sequence[bytes] = (),
        events: Sequence[bytes] = (),
    ) -> None:  # fmt: skip
        """Remove a document; `expected_revision` other than 0 must be its last.

        Raises DocumentNotFoundError, RevisionConflictError.
        """
        appendix = records.checked_appendix(decisions, events)

        def change(writer: Writer) -> None:
            known = writer.reader.find_document(kind, name)
            if known is None:
                raise _not_found(kind, name)
            expect(expected_revision, known.revision, kind=kind, name=name)
            writer.delete(b"documents", records.document_key(kind, name))
            writer.keep(documents=writer.journal.documents - 1)
            writer.append(appendix)

        self._write(need(*appendix.sizes()), change)


def _not_found(kind: str, name: str) -> DocumentNotFoundError:
    return DocumentNotFoundError(f"there is no {kind} {name!r}", kind=kind, name=name)
