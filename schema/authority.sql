-- The authority's vault: numbered migrations, run by vault_migrate.
-- version 1

-- What the last meeting with the relay left: relay.generation, relay.nonce, relay.request (the digest
-- of ours that it may answer), relay.statements, relay.certificates, relay.heads, relay.met_at.
CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- Secrets, wrapped under VAULT_IDENTITY: the root's seed, the recovery key, every epoch of every scope.
CREATE TABLE authority_key(name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE scope_secret(
  unit TEXT NOT NULL, compartment INTEGER NOT NULL, epoch INTEGER NOT NULL,
  wrapped BLOB NOT NULL, PRIMARY KEY(unit, compartment, epoch)) WITHOUT ROWID;

-- The chain, and beside it the share lists that its statements of type keys promise.
CREATE TABLE statement(seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE share(seq INTEGER NOT NULL, line INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY(seq, line)) WITHOUT ROWID;

CREATE TABLE invitation(
  id BLOB PRIMARY KEY,                -- 16 bytes
  unit TEXT NOT NULL, role INTEGER NOT NULL, name TEXT NOT NULL,
  made_at INTEGER NOT NULL, not_after INTEGER NOT NULL,
  state INTEGER NOT NULL              -- authority.h, enum authority_invitation_state
) WITHOUT ROWID;
-- The epochs that travelled in it; later ones are sealed to its device when it is admitted.
CREATE TABLE invitation_secret(
  invitation BLOB NOT NULL, unit TEXT NOT NULL, compartment INTEGER NOT NULL, epoch INTEGER NOT NULL,
  PRIMARY KEY(invitation, unit, compartment, epoch)) WITHOUT ROWID;

-- Devices that the relay reported, in the order in which they came.
CREATE TABLE certificate(
  id INTEGER PRIMARY KEY,
  device BLOB NOT NULL UNIQUE, invitation BLOB NOT NULL,
  seen_at INTEGER NOT NULL, bytes BLOB NOT NULL);
-- The relay's view at the last meeting: last accepted heads, and what it keeps aside.
CREATE TABLE relay_head(
  device BLOB NOT NULL, log INTEGER NOT NULL, n INTEGER NOT NULL, head BLOB NOT NULL,
  PRIMARY KEY(device, log)) WITHOUT ROWID;
CREATE TABLE relay_waiting(
  device BLOB NOT NULL, reason INTEGER NOT NULL, frames INTEGER NOT NULL,
  PRIMARY KEY(device, reason)) WITHOUT ROWID;
CREATE TABLE relay_aside(
  frame BLOB PRIMARY KEY, author BLOB NOT NULL, reason INTEGER NOT NULL,
  received INTEGER NOT NULL) WITHOUT ROWID;
-- Frames that a person released, until the relay has been told.  sent: it stands in the last request.
CREATE TABLE release_due(frame BLOB PRIMARY KEY, sent INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
-- version 2

-- Frames that were sealed again after an erasure, and what each of them stands for.  told: the generation
-- of the relay that has it; sent: it stands in the last request.
CREATE TABLE resealed(
  frame BLOB PRIMARY KEY, told BLOB NOT NULL, sent INTEGER NOT NULL DEFAULT 0, bytes BLOB NOT NULL);
CREATE TABLE resealed_from(old BLOB PRIMARY KEY, frame BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX resealed_by ON resealed_from(frame);
