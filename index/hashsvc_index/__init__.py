"""The LMDB store and the FAISS search over it; knows nothing of video or gRPC.

with Store.open(path) as store:
    store.put_bank("default", b"", create=True)
    entry = store.add_entry("default", "first", b"", vectors=vectors, blobs={}, digests=[])
    index = Index(store, path)
    index.start()
    index.wait_for(entry.revision, timeout=1.0)
    hits = index.search(queries, radius=31, limit=10)
    index.close()
"""

from hashsvc_index.environment import StoreSettings
from hashsvc_index.errors import StoreCorruptError, StoreError
from hashsvc_index.index import Index
from hashsvc_index.journal import Appended
from hashsvc_index.records import (
    BankRecord,
    Change,
    ChangeKind,
    DecisionRecord,
    DocumentRecord,
    EntryRecord,
    EventRecord,
)
from hashsvc_index.ring import Block, Item, Ring, RingStats
from hashsvc_index.settings import IndexSettings
from hashsvc_index.snapshot import Hits
from hashsvc_index.store import EntryUpdate, Stats, Store
from hashsvc_index.verify import verify

__all__ = [
    "Appended",
    "BankRecord",
    "Block",
    "Change",
    "ChangeKind",
    "DecisionRecord",
    "DocumentRecord",
    "EntryRecord",
    "EntryUpdate",
    "EventRecord",
    "Hits",
    "Index",
    "IndexSettings",
    "Item",
    "Ring",
    "RingStats",
    "Stats",
    "Store",
    "StoreCorruptError",
    "StoreError",
    "StoreSettings",
    "verify",
]
