# Unit tests of spool/
