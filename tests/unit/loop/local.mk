# Unit tests of loop/
