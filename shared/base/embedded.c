#include "shared/base/embedded.h"

#include <string.h>

const struct embedded *
embedded_find(const char *name)
{
	for (unsigned long i = 0; i < embedded_count; i++)
		if (strcmp(embedded_table[i].name, name) == 0)
			return &embedded_table[i];
	return NULL;
}
