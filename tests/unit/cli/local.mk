# Unit tests of cli/
