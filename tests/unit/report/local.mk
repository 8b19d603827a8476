# Unit tests of report/
