/*
 * The key file: making a vault, a new passphrase, a new recovery code, wiping; in lives where
 * one of the two copies has gone bad as well.  And the same with new keys for the whole vault
 * among them.  Passphrase n is the word "word-n".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/vault/key_file.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault_rekey.h"
#include "tests/crash/crash_story.h"

enum { STEPS = 8, BAD_BYTES = CRASH_SECTOR, SLOT_AT = 64 };

static const struct vault_kdf KDF = { VAULT_KDF_MEMORY_MIN_MIB, 1 };

static const char SCHEMA[] = "-- version 1\nCREATE TABLE note (n INTEGER PRIMARY KEY);";

static struct secret *
passphrase(unsigned n)
{
	struct secret *s = NULL;
	char text[40];

	snprintf(text, sizeof text, "word-%u", n);
	if (secret_from(text, strlen(text), &s) != RC_OK)
		abort();
	return s;
}

static enum rc
open_with_passphrase(unsigned n, struct vault **out, struct error *err)
{
	struct secret *p = passphrase(n);
	enum rc rc = vault_open(CRASH_FOLDER, p, out, err);

	secret_free(p);
	return rc;
}

static enum rc
open_with_code(const uint8_t code[VAULT_RECOVERY_BYTES], struct vault **out)
{
	struct secret *c = NULL;
	enum rc rc;

	if (secret_from(code, VAULT_RECOVERY_BYTES, &c) != RC_OK)
		abort();
	rc = vault_open_with_recovery(CRASH_FOLDER, c, out, NULL);
	secret_free(c);
	return rc;
}

static enum rc
create(unsigned n, uint8_t code[VAULT_RECOVERY_BYTES], struct vault **out, struct error *err)
{
	struct secret *p = passphrase(n), *recovery = NULL;
	enum rc rc = vault_create(CRASH_FOLDER, p, KDF, NULL, out, &recovery, err);

	if (rc == RC_OK)
		memcpy(code, secret_bytes(recovery), VAULT_RECOVERY_BYTES);
	secret_free(recovery);
	secret_free(p);
	return rc;
}

/* Files of a vault, the lock aside. */
static int
files_left(const struct crash_disk *d)
{
	const char *name;
	int n = 0;

	for (size_t i = 0; (name = crash_disk_name(d, i)) != NULL; i++)
		n += strncmp(name, "vault.", 6) == 0 && strcmp(name, "vault.lock") != 0;
	return n;
}

static bool
keys_make(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	why[0] = '\0';
	crash_story_mark(s)->absent = true;
	return true;
}

/* Nothing was promised: it opens, or it can be cleared away and made anew. */
static bool
make_anew(struct crash_story *s, struct crash_disk *disk, char why[CRASH_WHY_MAX])
{
	uint8_t code[VAULT_RECOVERY_BYTES];
	struct vault *v = NULL;
	struct error err = { 0 };
	enum rc rc = vault_wipe(CRASH_FOLDER, &err);

	(void)s;
	if (rc == RC_OK)
		rc = create(1, code, &v, &err);
	vault_close(v);
	if (rc == RC_OK || crash_disk_is_off(disk))
		return true;
	snprintf(why, CRASH_WHY_MAX, "what was begun stands in the way: %s: %s", rc_name(rc),
	    err.what);
	return false;
}

static bool
keys_open(struct crash_story *s, size_t k, struct vault **out, char why[CRASH_WHY_MAX])
{
	const struct crash_mark *m = &s->marks[k], *next = k + 1 < s->n_marks ? m + 1 : m;
	struct error err = { 0 };
	enum rc rc;

	*out = NULL;
	rc = open_with_passphrase(m->absent ? next->passphrase : m->passphrase, out, &err);
	if (rc == RC_AUTH && next->passphrase != m->passphrase)
		rc = open_with_passphrase(next->passphrase, out, &err);
	if (m->absent || m->wiped || next->wiped) {
		if (m->wiped && rc == RC_OK)
			return crash_story_fail(why, "what was wiped opens again", 0);
		return true;
	}
	if (rc != RC_OK)
		snprintf(why, CRASH_WHY_MAX, "does not open: %s: %s", rc_name(rc), err.what);
	return rc == RC_OK;
}

/* One copy goes bad, silently. */
static void
spoil_copy(struct crash_disk *d, const char *name, uint64_t fate)
{
	int file = crash_disk_find(d, name);
	uint8_t noise[BAD_BYTES];

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)crash_random(&fate);
	if (file < 0 || !crash_disk_write(d, file, noise, sizeof noise, 0) ||
	    !crash_disk_sync(d, file))
		abort();
}

/* New keys and one row more come together, or neither. */
static enum rc
one_row_more(struct vault *from, struct vault *to, struct error *err)
{
	(void)from;
	(void)err;
	return sqlite3_exec(vault_db(to), "INSERT INTO note DEFAULT VALUES", NULL, NULL,
	    NULL) == SQLITE_OK ? RC_OK : RC_IO;
}

/* The passphrase stays, as it does for a worker: it opens both, and the copies must tell which. */
static enum rc
rekey(struct crash_story *s, struct error *err)
{
	struct vault_rewrap rewrap = { one_row_more };
	struct secret *p = passphrase(s->marks[s->n_marks - 1].passphrase), *code = NULL;
	enum rc rc = vault_rekey(s->vault, p, KDF, rewrap, &code, err);
	struct crash_mark *m;

	if (rc == RC_OK) {
		m = crash_story_mark_pages(s);
		memcpy(m->recovery, secret_bytes(code), VAULT_RECOVERY_BYTES);
		m->bad_copy = false;
		m->n++;
	}
	secret_free(code);
	secret_free(p);
	return rc;
}

static enum rc
change(struct crash_story *s, struct error *err)
{
	struct secret *p = NULL, *code = NULL;
	struct crash_mark *m;
	unsigned n = s->marks[s->n_marks - 1].passphrase + 1;
	enum rc rc;

	if (s->work == &CRASH_REKEY && crash_story_pick(s, 2) == 0)
		return rekey(s, err);
	if (crash_story_pick(s, 3) == 0) {
		rc = vault_new_recovery(s->vault, &code, err);
		if (rc == RC_OK) {
			m = crash_story_mark(s);
			memcpy(m->recovery, secret_bytes(code), VAULT_RECOVERY_BYTES);
			m->bad_copy = false;
		}
		secret_free(code);
		return rc;
	}
	p = passphrase(n);
	rc = vault_set_passphrase(s->vault, p, KDF, err);
	if (rc == RC_OK) {
		m = crash_story_mark(s);
		m->passphrase = n;
		m->bad_copy = false;
	}
	secret_free(p);
	return rc;
}

static enum rc
write_row(struct crash_story *s)
{
	if (sqlite3_exec(vault_db(s->vault), "INSERT INTO note DEFAULT VALUES", NULL, NULL,
	    NULL) != SQLITE_OK)
		return RC_IO;
	crash_story_mark_pages(s)->n++;
	return RC_OK;
}

static bool
wipe(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	struct error err = { 0 };
	enum rc rc;

	vault_close(s->vault);
	s->vault = NULL;
	crash_story_mark(s);
	s->slot_files[0] = crash_disk_find(s->disk, KEY_FILE_A);
	s->slot_files[1] = crash_disk_find(s->disk, KEY_FILE_B);
	if (crash_disk_read(s->disk, s->slot_files[0], s->slot, CRASH_SLOT_BYTES,
	    SLOT_AT) != CRASH_SLOT_BYTES)
		abort();
	rc = vault_wipe(CRASH_FOLDER, &err);
	crash_story_mark(s)->wiped = true;
	if (rc != RC_OK)
		snprintf(why, CRASH_WHY_MAX, "cannot wipe: %s", err.what);
	return rc == RC_OK;
}

static bool
migrate(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	if (vault_migrate(s->vault, SCHEMA, NULL) != RC_OK)
		return crash_story_fail(why, "cannot migrate", 0);
	crash_story_mark_pages(s);
	return true;
}

static bool
begin(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	struct crash_mark first = s->marks[0], last = s->marks[s->n_marks - 1], *m;
	struct vault *v = NULL;

	if (first.absent) {
		first.passphrase = 1;
		if (create(1, first.recovery, &s->vault, NULL) != RC_OK)
			return crash_story_fail(why, "cannot make a vault", 0);
		m = crash_story_mark_pages(s);
		m->absent = false;
		m->passphrase = 1;
		memcpy(m->recovery, first.recovery, VAULT_RECOVERY_BYTES);
		return migrate(s, why);
	}
	/* which code it was before which passphrase: opening writes nothing that matters */
	if (open_with_code(last.recovery, &v) == RC_OK)
		memcpy(first.recovery, last.recovery, VAULT_RECOVERY_BYTES);
	vault_close(v);
	if (!s->work->open(s, 0, &s->vault, why) || !crash_story_begin(s, why))
		return false;
	m = &s->marks[0];
	memcpy(m->recovery, first.recovery, VAULT_RECOVERY_BYTES);
	m->bad_copy = false;
	v = NULL;
	m->passphrase = first.passphrase;
	if (last.passphrase != first.passphrase) {
		struct secret *p = passphrase(last.passphrase);

		if (vault_check_passphrase(s->vault, p, NULL) == RC_OK)
			m->passphrase = last.passphrase;
		secret_free(p);
	}
	return migrate(s, why);
}

static bool
keys_live(struct crash_story *s, char why[CRASH_WHY_MAX])
{
	struct error err = { 0 };
	enum rc rc = RC_OK;

	if (!begin(s, why))
		return false;
	for (int i = 0; i < STEPS && rc == RC_OK; i++) {
		if (!s->marks[s->n_marks - 1].bad_copy && crash_story_pick(s, 4) == 0) {
			crash_story_mark(s)->bad_copy = true;
			spoil_copy(s->disk, crash_story_pick(s, 2) == 0 ? KEY_FILE_A : KEY_FILE_B,
			    s->random);
		}
		rc = crash_story_pick(s, 4) == 0 ? write_row(s) : change(s, &err);
	}
	if (rc != RC_OK) {
		snprintf(why, CRASH_WHY_MAX, "a change failed without a cut: %s", err.what);
		return false;
	}
	return crash_story_pick(s, 4) != 0 || wipe(s, why);
}

static bool
keys_look(struct crash_story *s, struct vault *v, const struct crash_mark *m,
    char why[CRASH_WHY_MAX])
{
	struct error err = { 0 };
	sqlite3_stmt *stmt = NULL;
	int64_t n = 0;

	(void)s;
	if (vault_verify(v, &err) != RC_OK) {
		snprintf(why, CRASH_WHY_MAX, "does not verify: %s", err.what);
		return false;
	}
	if (sqlite3_prepare_v2(vault_db(v), "SELECT count(*) FROM note", -1, &stmt,
	    NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n == m->n || crash_story_fail(why, "rows are missing", (int)n);
}

/* Nothing was going on: the newest passphrase and code open with either copy gone, no old one. */
static bool
ask_at_rest(struct crash_disk *disk, const struct crash_mark *m, uint64_t fate,
    char why[CRASH_WHY_MAX])
{
	struct vault *v = NULL;
	enum rc rc;

	if (m->passphrase > 1) {
		rc = open_with_passphrase(m->passphrase - 1, &v, NULL);
		vault_close(v);
		if (rc != RC_AUTH)
			return crash_story_fail(why, "a passphrase that was replaced opens", (int)rc);
	}
	spoil_copy(disk, fate % 2 == 0 ? KEY_FILE_A : KEY_FILE_B, fate);
	v = NULL;
	rc = (fate & 2) == 0 ? open_with_passphrase(m->passphrase, &v, NULL) :
	    open_with_code(m->recovery, &v);
	vault_close(v);
	return rc == RC_OK || crash_story_fail(why, "one good copy is not enough", (int)rc);
}

static bool
keys_ask(struct crash_story *s, struct crash_disk *disk, size_t k, size_t op, uint64_t fate,
    char why[CRASH_WHY_MAX])
{
	const struct crash_mark *m = &s->marks[k], *next = k + 1 < s->n_marks ? m + 1 : m;
	struct vault *v = NULL;
	struct error err = { 0 };
	enum rc rc;

	if (m->absent)
		return make_anew(s, disk, why);
	if (m->wiped || next->wiped) {
		if ((rc = vault_wipe(CRASH_FOLDER, &err)) != RC_OK || files_left(disk) > 0)
			return crash_story_fail(why, "a wipe that was cut cannot be finished", (int)rc);
		return !m->wiped ||
		    (!crash_disk_holds(disk, s->slot_files[0], s->slot, CRASH_SLOT_BYTES) &&
		    !crash_disk_holds(disk, s->slot_files[1], s->slot, CRASH_SLOT_BYTES)) ||
		    crash_story_fail(why, "a slot is left on the disk", 0);
	}
	if (open_with_code(m->recovery, &v) != RC_OK &&
	    (memcmp(m->recovery, next->recovery, VAULT_RECOVERY_BYTES) == 0 ||
	    open_with_code(next->recovery, &v) != RC_OK))
		return crash_story_fail(why, "no recovery code opens", 0);
	vault_close(v);
	/* Nothing is under way, and opening has made both copies the same again. */
	if (m->op == op)
		return ask_at_rest(disk, m, fate, why);
	return true;
}

const struct crash_work CRASH_KEYS = {
	.name = "keys",
	.make = keys_make,
	.live = keys_live,
	.open = keys_open,
	.look = keys_look,
	.ask = keys_ask,
	.fates = 8,
};

const struct crash_work CRASH_REKEY = {
	.name = "rekey",
	.make = keys_make,
	.live = keys_live,
	.open = keys_open,
	.look = keys_look,
	.ask = keys_ask,
	.fates = 8,
};
