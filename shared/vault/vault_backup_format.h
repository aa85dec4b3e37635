#ifndef SHARED_VAULT_VAULT_BACKUP_FORMAT_H
#define SHARED_VAULT_VAULT_BACKUP_FORMAT_H

/* vault_backup_format: what writer and reader of a backup share (formats.md, "Backup of a vault"). */
#include "shared/vault/block_file.h"

enum {
	VAULT_BACKUP_MAGIC_BYTES = 8,
	VAULT_BACKUP_VERSION = 1,
	VAULT_BACKUP_SALT_BYTES = BLOCK_ID_BYTES,
	VAULT_BACKUP_CHUNK = 65536,
	VAULT_BACKUP_SEALED = VAULT_BACKUP_CHUNK + BLOCK_OVERHEAD,
	VAULT_BACKUP_DIGEST_BYTES = 32,
	VAULT_BACKUP_PREFIX_BYTES = VAULT_BACKUP_DIGEST_BYTES + 8
};

#define VAULT_BACKUP_MAGIC "FIELDBAK"
#define VAULT_BACKUP_LABEL "field-backup-1"

/* The page that SQLite never uses, at 1 GiB: it has no seal, and stands as zeroes. */
#define VAULT_BACKUP_LOCK_PAGE (0x40000000 / BLOCK_SIZE)

#endif
