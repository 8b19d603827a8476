# Unit tests of tls/
