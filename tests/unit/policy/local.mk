# Unit tests of policy/
