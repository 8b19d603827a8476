# Unit tests of attempt/
