/* sync-server: the provincial server's program; see sync-server.1. */
#include <string.h>

#include "shared/base/memory.h"
#include "shared/base/process.h"
#include "shared/base/terminal.h"
#include "shared/vault/vault.h"
#include "sync-server/operator.h"

#define VERSION "0.1"

static void
print_error(const struct error *err, enum rc rc)
{
	fprintf(stderr, "sync-server: %s", err->what[0] != '\0' ? err->what : rc_name(rc));
	if (err->where[0] != '\0')
		fprintf(stderr, ": %s", err->where);
	if (err->help[0] != '\0')
		fprintf(stderr, ": %s", err->help);
	fputc('\n', stderr);
}

int
main(int argc, char **argv)
{
	struct operator c;
	const char *lang;
	enum rc rc;

	memset(&c, 0, sizeof(c));
	process_harden();
	c.clock = clock_system();
	rc = operator_parse(argc, argv, &c.options, &c.entry, &c.err);
	lang = c.options.lang != NULL ? c.options.lang : terminal_language();
	c.vietnamese = strcmp(lang, "en") != 0;
	if (rc == RC_OK && c.options.version) {
		puts("sync-server " VERSION);
	} else if (rc == RC_OK && c.options.help) {
		operator_help(&c, stdout);
	} else if (rc == RC_OK && (rc = vault_start()) == RC_OK) {
		rc = c.entry->run(&c);
	}
	/* What was printed must have arrived somewhere. */
	if (fclose(stdout) != 0 && rc == RC_OK)
		rc = error_set(&c.err, RC_IO, "standard output", "look where it goes: a full disk, a closed pipe",
		    "it cannot be written");
	if (rc != RC_OK)
		print_error(&c.err, rc);
	memory_wipe_arguments(argc, argv);
	memory_wipe_stack();
	return rc_exit_code(rc);
}
