#!/bin/bash
# A worker's day in a real browser, from the invitation to the locked page (tests/browser/day.mjs).
exec tests/browser/run day
