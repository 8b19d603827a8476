# Files of policy/
