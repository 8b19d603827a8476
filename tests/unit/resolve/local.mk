# Unit tests of resolve/
