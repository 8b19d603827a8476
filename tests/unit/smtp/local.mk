# Unit tests of smtp/
