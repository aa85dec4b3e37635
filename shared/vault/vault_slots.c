/* Who may open a vault that is open: passphrase and recovery code, checked and replaced. */
#include <stdio.h>

#include "shared/vault/key_file.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "shared/vault/vault_parts.h"

enum rc
vault_put_passphrase(const struct vault *v, struct keyslots *slots, const struct secret *passphrase,
    struct vault_kdf kdf, struct error *err)
{
	enum rc rc = keyslots_calibrate(&kdf);

	if (rc == RC_LIMIT)
		return error_set(err, rc, NULL, "leave them out, then they are measured",
		    "Argon2 takes %d to %d MiB and 1 to %d passes here", VAULT_KDF_MEMORY_MIN_MIB,
		    VAULT_KDF_MEMORY_MAX_MIB, VAULT_KDF_PASSES_MAX);
	if (rc == RC_OK)
		rc = keyslots_put_passphrase(slots, passphrase, kdf, v->master);
	return rc == RC_OK ? RC_OK : error_set(err, rc, NULL,
	    "close other programs, or ask for less memory", "cannot stretch the passphrase: %s",
	    rc_name(rc));
}

enum rc
vault_check_passphrase(struct vault *v, const struct secret *passphrase, struct error *err)
{
	struct secret *master = NULL;
	enum rc rc = keyslots_open_passphrase(&v->slots, passphrase, &master);

	if (rc == RC_OK && !secret_equal(master, v->master))
		rc = RC_DAMAGED;
	secret_free(master);
	if (rc != RC_OK)
		return error_set(err, rc, v->dir, NULL, rc == RC_AUTH ?
		    "this is not the passphrase" : "cannot check the passphrase");
	return RC_OK;
}

/*
 * Put changed slots on the disk; on failure the old ones stay.  One copy may have the new ones
 * already, and what the caller is told is not done must not be: half_done says what then to do.
 */
static enum rc
replace_slots(struct vault *v, struct keyslots *changed, const char *half_done, struct error *err)
{
	enum rc rc = key_file_replace(v->dir, changed, v->master, err);

	if (rc == RC_OK)
		v->slots = *changed;
	else if (rc != RC_NOTFOUND && !key_file_take_back(v->dir, &v->slots, v->master,
	    changed->generation) && err != NULL)
		snprintf(err->help, sizeof err->help, "%s", half_done);
	return rc;
}

enum rc
vault_set_passphrase(struct vault *v, const struct secret *passphrase, struct vault_kdf kdf,
    struct error *err)
{
	struct keyslots changed = v->slots;
	enum rc rc;

	if ((rc = vault_put_passphrase(v, &changed, passphrase, kdf, err)) != RC_OK)
		return rc;
	return replace_slots(v, &changed, "do it again: until then only the new passphrase may open"
	    " the vault", err);
}

enum rc
vault_new_recovery(struct vault *v, struct secret **recovery, struct error *err)
{
	struct keyslots changed = v->slots;
	enum rc rc;

	if ((rc = secret_random(VAULT_RECOVERY_BYTES, recovery)) == RC_OK &&
	    (rc = keyslots_put_recovery(&changed, *recovery, v->master)) == RC_OK)
		rc = replace_slots(v, &changed, "make a code again: the old one may not open the vault"
		    " any more, the passphrase does", err);
	if (rc != RC_OK) {
		secret_free(*recovery);
		*recovery = NULL;
	}
	return rc;
}
