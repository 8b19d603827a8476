# Unit tests of schedule/
