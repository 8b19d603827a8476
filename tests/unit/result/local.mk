# Unit tests of result/
