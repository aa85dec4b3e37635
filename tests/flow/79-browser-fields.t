#!/bin/bash
# The page by keys alone, and what could hurt in every field (tests/browser/fields.mjs).
exec tests/browser/run fields
