#include <stdlib.h>
#include <string.h>

#include "sync-server/relay_internal.h"

/* Room for the position and the inner type of the lane item that carries a whole list. */
enum { LANE_ITEM_HEAD_MAX = 16 };

/* Put every line, with its path to the statement's root, into its recipient's lane. */
static enum rc
spread(struct depot *depot, uint64_t seq, const struct share *shares,
    const struct bytes *encoded, size_t n, uint64_t *last)
{
	struct share_tree *tree = NULL;
	char lane[DEPOT_LANE_MAX];
	struct bytes line;
	enum rc rc;

	*last = 0;
	bytes_init(&line);
	rc = directory_share_tree_new(encoded, n, &tree);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		line.len = 0;
		if ((rc = directory_share_tree_item(tree, i, seq, &line)) != RC_OK)
			break;
		if (shares[i].to_device)
			relay_lane_device(shares[i].to_device_id, lane);
		else
			relay_lane_shares(shares[i].to_unit, shares[i].to_compartment, lane);
		rc = depot_append(depot, lane, ITEM_SHARE, &line, seq, last);
	}
	directory_share_tree_free(tree);
	bytes_reset(&line);
	return rc;
}

enum rc
relay_take_share_list(struct depot *depot, const uint8_t *p, size_t len, struct error *err)
{
	struct share *shares = NULL;
	struct bytes *encoded = NULL;
	size_t n = 0, n_encoded = 0;
	uint64_t seq = 0, last = 0;
	enum rc rc;

	if (len > EXCHANGE_ITEM_MAX - LANE_ITEM_HEAD_MAX)
		return error_set(err, RC_LIMIT, NULL, NULL, "a list of shares is too long");
	if ((rc = directory_share_list_check(depot_directory(depot), p, len, &shares, &n)) != RC_OK) {
		error_set(err, rc, NULL, NULL, "a list of shares is not what its statement promised");
		goto out;
	}
	if ((rc = directory_share_list_read(p, len, &seq, &encoded, &n_encoded)) != RC_OK)
		goto out;
	if (n == 0 || n_encoded != n || depot_has_share_list(depot, seq))
		goto out;
	if ((rc = spread(depot, seq, shares, encoded, n, &last)) == RC_OK)
		rc = depot_put_share_list(depot, seq, n, last, p, len);
out:
	for (size_t i = 0; i < n_encoded; i++)
		bytes_reset(&encoded[i]);
	free(encoded);
	free(shares);
	return rc;
}

enum rc
relay_take_share(struct depot *depot, const uint8_t *p, size_t len)
{
	struct share share;
	struct bytes body;
	char lane[DEPOT_LANE_MAX];
	uint64_t position;
	bool added;
	enum rc rc;

	if ((rc = directory_share_check(depot_directory(depot), p, len, &share)) != RC_OK)
		return relay_unless_bad(rc);
	if ((rc = depot_note_receipt(depot, p, len, &added)) != RC_OK || !added)
		return rc;
	if (share.to_device)
		relay_lane_device(share.to_device_id, lane);
	else
		relay_lane_shares(share.to_unit, share.to_compartment, lane);
	bytes_init(&body);
	bytes_put(&body, p, len);
	rc = body.rc != RC_OK ? body.rc :
	    depot_append(depot, lane, ITEM_SHARE, &body, 0, &position);
	bytes_reset(&body);
	return rc;
}
