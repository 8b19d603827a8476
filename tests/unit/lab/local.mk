# Tests of the lab's own instruments (Python)
PY_LOG_COMPILER = python3
TESTS += tests/unit/lab/test_rfc8460.py
EXTRA_DIST += tests/unit/lab/test_rfc8460.py
