# Files of src/intake/
