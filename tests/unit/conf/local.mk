# Unit tests of conf/
