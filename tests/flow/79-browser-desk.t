#!/bin/bash
# A case worker's desk, the commune's office and the province's in a real browser (tests/browser/desk.mjs).
exec tests/browser/run desk
