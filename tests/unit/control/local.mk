# Unit tests of control/
