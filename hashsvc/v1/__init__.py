"""Generated from protos/hashsvc/v1 by protos/generate.sh; never edited."""
