-- The relay's store: sealed frames, the directory, who was here.  Nothing in it can be
-- read by whoever has it.  Numbered migrations, run by depot_open.
-- version 1

-- generation, relay's next nonce for the authority, pinned province.
CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE statement(
  seq INTEGER PRIMARY KEY,
  type INTEGER NOT NULL,
  subject BLOB,                       -- 16 bytes: the device or invitation of types 5, 6, 7, 9
  bytes BLOB NOT NULL
);
CREATE INDEX statement_subject ON statement(subject) WHERE subject IS NOT NULL;

-- Lists of share lines as the authority gave them: payload of item type 6.
CREATE TABLE share_list(
  seq INTEGER PRIMARY KEY,
  lines INTEGER NOT NULL,
  last INTEGER NOT NULL,              -- position of its last line in the stream; 0: no line
  bytes BLOB NOT NULL
);

-- Certificates that came by themselves (those of the chain stand in statements).
CREATE TABLE certificate(
  serial INTEGER PRIMARY KEY AUTOINCREMENT,
  device BLOB NOT NULL UNIQUE,        -- 16 bytes
  why INTEGER NOT NULL,               -- 0, or why it waits for the authority (root_exchange.h)
  first_seen INTEGER NOT NULL,
  bytes BLOB NOT NULL
);

-- Devices that have spoken with this relay.
CREATE TABLE device(
  device BLOB PRIMARY KEY,            -- 16 bytes
  nonce BLOB NOT NULL,                -- 16 bytes that its next hello must carry
  seen_at INTEGER NOT NULL,
  position INTEGER NOT NULL,          -- the cursor that it came with
  directory_seq INTEGER NOT NULL
) WITHOUT ROWID;

-- Every frame once.  What is set aside is kept whole.
CREATE TABLE frame(
  key INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,            -- 32 bytes
  state INTEGER NOT NULL,             -- depot.h: served, waiting for its author, aside
  reason INTEGER NOT NULL,            -- root_exchange.h
  author BLOB NOT NULL,               -- 16 bytes; zeroes: not readable
  carrier BLOB NOT NULL,              -- 16 bytes: who handed it in
  unit TEXT NOT NULL,
  compartment INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  received INTEGER NOT NULL,
  told INTEGER NOT NULL DEFAULT 0,    -- 1: a receipt for it is on its way to its author
  bytes BLOB NOT NULL
);
CREATE INDEX frame_aside ON frame(state, reason, author) WHERE state <> 1;

-- Everything that can be served, in one sequence (formats.md "Lanes and the cursor").
-- What was withdrawn leaves a row without lane and frame: its position is given to nothing else.
CREATE TABLE stream(
  position INTEGER PRIMARY KEY,
  lane TEXT NOT NULL,
  type INTEGER NOT NULL,              -- of an item
  frame INTEGER REFERENCES frame(key),
  list INTEGER,                       -- of a share line: its statement
  body BLOB
);
CREATE INDEX stream_lane ON stream(lane);  -- ends with the position

-- In which lanes a device's certificate stands.
CREATE TABLE published(
  device BLOB NOT NULL, lane TEXT NOT NULL, PRIMARY KEY(device, lane)) WITHOUT ROWID;

-- Logs as far as headers tell.  id is the 64-bit log id as a signed integer.
CREATE TABLE log(
  id INTEGER PRIMARY KEY,
  device BLOB NOT NULL,
  unit TEXT NOT NULL,
  compartment INTEGER NOT NULL,
  n INTEGER NOT NULL,                 -- highest accepted
  head BLOB NOT NULL,
  serial INTEGER NOT NULL             -- grows with every change of any head
);
CREATE INDEX log_serial ON log(serial);
-- Heads at the edges of ranges; two at one n are a fork.
CREATE TABLE edge(
  log INTEGER NOT NULL, n INTEGER NOT NULL, head BLOB NOT NULL,
  PRIMARY KEY(log, n, head)) WITHOUT ROWID;

-- Digests of the receipts that were taken in.
CREATE TABLE receipt(id BLOB PRIMARY KEY) WITHOUT ROWID;

-- What the operator must know: forks of logs, chains that differ.
CREATE TABLE alarm(
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  device BLOB NOT NULL,
  detail TEXT NOT NULL,
  UNIQUE(kind, device, detail)
);

-- version 2
-- What the relay did, a line each; every head covers all lines before it (formats.md "Audit log").
CREATE TABLE audit(
  n INTEGER PRIMARY KEY,              -- 1, 2, 3 … without a gap
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  device BLOB NOT NULL,               -- 16 bytes; zeroes: nobody's
  detail TEXT NOT NULL,
  head BLOB NOT NULL                  -- 16 bytes
);

-- version 3
-- Receipts in a device's lane by kind and signer, which are their first 17 bytes.
CREATE INDEX IF NOT EXISTS stream_receipt ON stream(lane, substr(body, 1, 17)) WHERE type = 7;
