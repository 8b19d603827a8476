# Unit tests of intake/
