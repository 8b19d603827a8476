# Files of src/log/
