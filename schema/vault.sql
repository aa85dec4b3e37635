-- The clear side of a vault: numbered migrations, run by vault_migrate.
-- version 1

-- Small settings: own device, unit, role, relay address, cursor, last nonce …
CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- Logs, own and others'.  id is the 64-bit log id as a signed integer.
CREATE TABLE log(
  id INTEGER PRIMARY KEY,
  device BLOB NOT NULL,               -- 16 bytes
  unit TEXT NOT NULL,
  compartment INTEGER NOT NULL,
  key BLOB,                           -- 16 bytes; NULL: not known; empty: gone, something was erased (redaction.h)
  own INTEGER NOT NULL DEFAULT 0,     -- of the device of this vault
  folds INTEGER NOT NULL DEFAULT 1,   -- 0: written here into a scope that may not be read here
  tips BLOB NOT NULL DEFAULT x'',     -- as in the chain's start: n x (u64, varint, 16)
  start BLOB,                         -- h(0), 16 bytes; NULL: entry 1 has not come
  head_n INTEGER NOT NULL DEFAULT 0,  -- entries 1..head_n are here, on one chain
  head BLOB,                          -- h(head_n); NULL: entry 1 has not come
  top_n INTEGER NOT NULL DEFAULT 0,   -- highest n that is here; above head_n: a gap
  sealed_n INTEGER NOT NULL DEFAULT 0,-- own: entries up to here are in a frame
  named_n INTEGER NOT NULL DEFAULT 0, -- a later log of its device has named h(named_n) as a tip
  weighed INTEGER NOT NULL DEFAULT 0, -- the fold has seen it (fold.h, "other scope")
  fork_n INTEGER,                     -- entries from here on are left out: two branches
  limit_n INTEGER                     -- entries beyond are left out: retired
);
CREATE INDEX log_scope ON log(unit, compartment);
CREATE INDEX log_unweighed ON log(id) WHERE weighed = 0;
CREATE INDEX log_unsealed ON log(id) WHERE own = 1 AND head_n > sealed_n;

-- The journal: entries as they were written, never changed.
CREATE TABLE entry(
  log INTEGER NOT NULL,
  n INTEGER NOT NULL,
  record_log INTEGER NOT NULL,        -- the record it belongs to; 0 when it came hollow or is not readable
  record_n INTEGER NOT NULL,
  after BLOB NOT NULL,                -- h(n), 16 bytes
  body BLOB,                          -- NULL: hollow
  tag BLOB,                           -- when hollow, or of a log whose key is gone: 16 bytes, and of own ones the entry key
  PRIMARY KEY(log, n)
) WITHOUT ROWID;
CREATE INDEX entry_record ON entry(record_log, record_n) WHERE record_log <> 0;
CREATE INDEX entry_unread ON entry(log, n) WHERE record_log = 0;
-- The other branch of a forked log: kept, never folded.
CREATE TABLE entry_other(
  log INTEGER NOT NULL,
  n INTEGER NOT NULL,
  after BLOB NOT NULL,
  body BLOB,
  tag BLOB,
  PRIMARY KEY(log, n, after)
) WITHOUT ROWID;
-- Heads that are known only from the header of a frame: h(n) where entry n has not come.
CREATE TABLE entry_head(
  log INTEGER NOT NULL,
  n INTEGER NOT NULL,
  head BLOB NOT NULL,
  PRIMARY KEY(log, n, head)
) WITHOUT ROWID;

-- The fold: one row a record.  state is register.h's canonical encoding of all
-- live values, voids and replacements that came before their target.
CREATE TABLE record(
  id INTEGER PRIMARY KEY,             -- local; never leaves this vault
  log INTEGER NOT NULL,
  n INTEGER NOT NULL,
  form TEXT NOT NULL DEFAULT '',      -- '' until its first entry has come
  unit TEXT NOT NULL DEFAULT '',
  compartment INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL DEFAULT 0,
  created_by BLOB,                    -- device
  alive INTEGER NOT NULL DEFAULT 1,
  conflicts INTEGER NOT NULL DEFAULT 0,  -- number of registers in conflict
  settled INTEGER NOT NULL DEFAULT 0,    -- number of registers whose policy hides values
  breaches INTEGER NOT NULL DEFAULT 0,   -- fields that break a rule of the form after a merge
  newer INTEGER NOT NULL DEFAULT 0,      -- number of values of fields that no form here knows
  state BLOB NOT NULL DEFAULT x'',
  UNIQUE(log, n)
);
CREATE INDEX record_form ON record(form, unit);
CREATE INDEX record_conflicts ON record(id) WHERE conflicts > 0;
CREATE INDEX record_settled ON record(id) WHERE settled > 0;
CREATE INDEX record_breaches ON record(id) WHERE breaches > 0;
CREATE INDEX record_newer ON record(form) WHERE newer > 0;

-- Which version of each form the typed tables show.
CREATE TABLE shown_form(form TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;

-- Found by words: folded text of a record's text fields.  rowid = record.id
CREATE VIRTUAL TABLE words USING fts5(folded, tokenize = "unicode61 remove_diacritics 0", detail = none);

-- Sync ------------------------------------------------------------------

-- Own device and scope secrets, wrapped under VAULT_IDENTITY.
CREATE TABLE identity(name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE scope_secret(
  unit TEXT NOT NULL, compartment INTEGER NOT NULL, epoch INTEGER NOT NULL,
  wrapped BLOB NOT NULL, PRIMARY KEY(unit, compartment, epoch)) WITHOUT ROWID;

CREATE TABLE statement(seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE certificate(device BLOB PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;

-- Sealed frames: own ones until receipted (and after, to refill a relay), and
-- others' that wait for a key, an author, a newer program, or are set aside.
CREATE TABLE frame(
  id BLOB PRIMARY KEY,                -- 32 bytes
  state INTEGER NOT NULL,             -- replica.h: own unsent, own stored, waiting, quarantined, carried
  reason INTEGER NOT NULL DEFAULT 0,
  device BLOB NOT NULL, unit TEXT NOT NULL, compartment INTEGER NOT NULL, epoch INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  added INTEGER NOT NULL,
  forward INTEGER NOT NULL DEFAULT 0, -- came by a stick: to be handed to the relay
  bytes BLOB                          -- NULL once it is opened and not to be kept
);
CREATE INDEX frame_state ON frame(state);
CREATE INDEX frame_forward ON frame(id) WHERE forward = 1;

-- Shares of scope keys (payloads of share items) whose recipient's key has not come.
CREATE TABLE waiting_share(bytes BLOB PRIMARY KEY) WITHOUT ROWID;
-- Receipts whose signer the directory does not name yet.
CREATE TABLE waiting_receipt(bytes BLOB PRIMARY KEY) WITHOUT ROWID;
-- Where each lane of this device stands in the relay's sequence; -1: with the base, -2: the next request
-- asks for it from its beginning.
CREATE TABLE lane(name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE receipt(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, signer BLOB NOT NULL,
  at INTEGER NOT NULL, outgoing INTEGER NOT NULL, bytes BLOB NOT NULL);
-- Entries of own logs that a holder has folded (from receipts); and, on a
-- holder, entries of anyone's that it has signed for.
CREATE TABLE held(log INTEGER PRIMARY KEY, n INTEGER NOT NULL);
-- What a person should know once (a fork, a refused frame, an alarm).
CREATE TABLE event(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);

-- version 2
-- Records that left this device (replica_purge.h): their entries are hollow here, keep record_log and
-- record_n, and stay so when their bodies come again.  A record may have left with several others.
CREATE TABLE purged(
  log INTEGER NOT NULL, n INTEGER NOT NULL,              -- the record
  group_log INTEGER NOT NULL, group_n INTEGER NOT NULL,  -- with this one it is fetched again
  form TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(log, n, group_log, group_n)
) WITHOUT ROWID;
CREATE INDEX purged_group ON purged(group_log, group_n);
-- Records whose state would be too large: how many entries the fold leaves out (formats.md "Fold").
CREATE TABLE oversize(
  log INTEGER NOT NULL, n INTEGER NOT NULL, left_out INTEGER NOT NULL,
  PRIMARY KEY(log, n)
) WITHOUT ROWID;

-- version 3
-- Answers that are being typed (draft.h): of this device alone, never an entry, never sealed for others.
CREATE TABLE draft(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  form TEXT NOT NULL,
  of_log INTEGER NOT NULL, of_n INTEGER NOT NULL,        -- the record that it changes; 0: a new one
  saved_at INTEGER NOT NULL,
  answers BLOB NOT NULL                                  -- JSON
);
-- Lists and counts of a form are read from the index alone, the newest first.
DROP INDEX record_form;
CREATE INDEX record_form ON record(form, alive, created_at);

-- version 4
-- Who has been heard since when; the typed tables have no index by unit (tables.h).
CREATE INDEX record_unit ON record(unit, created_at);
-- The first letters of words have lists of their own: else each keystroke gathers those of all words
-- that begin so.
CREATE VIRTUAL TABLE words_by_letter USING fts5(folded, tokenize = "unicode61 remove_diacritics 0",
  detail = none, prefix = '1 2 3');
INSERT INTO words_by_letter(rowid, folded) SELECT rowid, folded FROM words;
DROP TABLE words;
ALTER TABLE words_by_letter RENAME TO words;
